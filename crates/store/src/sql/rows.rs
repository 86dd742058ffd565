//! Many rows of parameters in few statements.

use std::fmt::Write as _;

use super::{
    Connection, Engine, FromRow, Query, Row, Value,
    statement::{execute, fetch, read},
};
use crate::StoreError;

/// More rows than this in one statement gain nothing.
const MOST: usize = 512;

/// A statement in which `{rows}` stands for rows of `N` parameters each; made by [`Query::rows`].
///
/// It runs as several statements whose row counts are powers of two. So the engines see a dozen texts and not
/// hundreds, and keep them prepared. Where all must happen or none, run it in a transaction.
#[derive(Debug, Clone)]
#[must_use = "a statement does nothing until it is run"]
pub struct Rows<const N: usize> {
    query: Query,
    rows: Vec<[Value; N]>,
}

impl<const N: usize> Rows<N> {
    pub(super) fn new(query: Query, rows: impl IntoIterator<Item = [Value; N]>) -> Self {
        // A list of values is the inner loop of a join in SQLite, however many rows the table has, unless it comes first
        // in a CROSS JOIN.
        debug_assert!(!query.sql.on(Engine::Sqlite).contains("JOIN (VALUES {rows}"), "{:?}", query.sql);
        Self { query, rows: rows.into_iter().collect() }
    }

    /// Runs it; how many rows were changed. Without rows it does nothing.
    ///
    /// # Errors
    /// As [`Query::execute`].
    pub async fn execute(self, connection: &mut Connection) -> Result<u64, StoreError> {
        let mut changed = 0;
        for (text, values) in self.statements(connection.engine())? {
            changed += execute(connection, text.into(), values).await?;
        }
        Ok(changed)
    }

    /// Runs it; all rows it gives. Without rows it gives none.
    ///
    /// # Errors
    /// As [`Query::all`].
    pub async fn all<R: FromRow>(self, connection: &mut Connection) -> Result<Vec<R>, StoreError> {
        let mut found: Vec<Row> = Vec::with_capacity(self.rows.len());
        for (text, values) in self.statements(connection.engine())? {
            found.append(&mut fetch(connection, text.into(), values).await?);
        }
        found.iter().map(read).collect()
    }

    fn statements(self, engine: Engine) -> Result<Vec<(String, Vec<Value>)>, StoreError> {
        let text = self.query.sql.on(engine);
        let (before, after) = text
            .split_once("{rows}")
            .ok_or_else(|| StoreError::Invalid(format!("a statement with rows but no {{rows}}: {text}")))?;
        let fixed = self.query.values;
        let most = (engine.most_parameters().saturating_sub(fixed.len()) / N.max(1)).clamp(1, MOST);

        let mut statements = Vec::new();
        let mut left = self.rows.len();
        let mut rows = self.rows.into_iter();
        while left > 0 {
            let size = 1 << left.min(most).ilog2();
            left -= size;
            let mut values = Vec::with_capacity(fixed.len() + size * N);
            values.extend_from_slice(&fixed);
            values.extend(rows.by_ref().take(size).flatten());
            // SQLite looks up a parameter with a number among the names of all others before it; those without have
            // none. But they count from the first.
            let bare = engine == Engine::Sqlite && fixed.is_empty();
            let first = (!bare).then_some(fixed.len() + 1);
            statements.push((expanded::<N>(before, after, first, size), values));
        }
        Ok(statements)
    }
}

/// `before ($3,$4),($5,$6) after`, for two columns, two rows and 3 as the first; without a first one, `(?,?),(?,?)`.
fn expanded<const N: usize>(before: &str, after: &str, first: Option<usize>, rows: usize) -> String {
    let mut text = String::with_capacity(before.len() + after.len() + rows * (N * 6 + 3));
    text.push_str(before);
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ",(" });
        for column in 0..N {
            let comma = if column == 0 { "" } else { "," };
            // Writing to a string cannot fail.
            let _ = match first {
                Some(first) => write!(text, "{comma}${}", first + row * N + column),
                None => write!(text, "{comma}?"),
            };
        }
        text.push(')');
    }
    text.push_str(after);
    text
}

#[cfg(test)]
mod tests {
    use super::{super::query, *};

    fn shape(rows: usize, engine: Engine) -> Vec<usize> {
        let rows = (0..rows).map(|_| [Value::from(1), Value::from(2)]);
        let statements = query("INSERT {rows}").bind(0).rows(rows).statements(engine).unwrap();
        statements.iter().map(|(_, values)| (values.len() - 1) / 2).collect()
    }

    #[test]
    fn numbers_follow_the_bound_parameters() {
        assert_eq!(expanded::<2>("a ", " b", Some(2), 2), "a ($2,$3),($4,$5) b");
        assert_eq!(expanded::<2>("a ", " b", None, 2), "a (?,?),(?,?) b");
    }

    #[test]
    fn counts_are_powers_of_two_within_the_limits() {
        assert!(shape(0, Engine::Sqlite).is_empty());
        assert_eq!(shape(13, Engine::Sqlite), [8, 4, 1]);
        assert_eq!(shape(1100, Engine::Postgres), [512, 512, 64, 8, 4]);
        let wide = (0..400).map(|_| [const { Value::Integer(None) }; 100]);
        let statements = query("INSERT {rows}").rows(wide).statements(Engine::Sqlite).unwrap();
        let sizes: Vec<usize> = statements.iter().map(|(_, values)| values.len() / 100).collect();
        assert_eq!(sizes, [256, 128, 16], "all 400 would have 40,000 parameters");
    }
}
