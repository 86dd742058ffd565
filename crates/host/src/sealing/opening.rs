//! The keys of businesses, opened with their database: by a host that runs, and by commands beside it.

use std::sync::Arc;

use ::store::{
    sql::{Database, migrations},
    writer::{Writer, WriterTasks},
};

use super::{KeyPlace, Keys, MIGRATIONS, MasterKey};
use crate::{StartError, ground::Ground};

/// Whose the file of keys is, where it is a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owning {
    /// This process's alone.
    Alone,
    /// A host's that may run beside this.
    Beside,
}

/// The database of keys and its writer, if it is another one than that of all else.
#[derive(Debug, Default)]
pub(crate) struct KeyTasks(Option<(Database, WriterTasks)>);

impl KeyTasks {
    /// Writes what is left, and closes.
    pub(crate) async fn close(self) {
        if let Some((database, writer)) = self.0 {
            writer.close().await;
            database.close().await;
        }
    }
}

impl Keys {
    /// Opens them where the configuration says, takes those there that are still elsewhere, and looks whether these master
    /// keys open all of them.
    pub(crate) async fn open(
        ground: &Arc<Ground>,
        masters: Vec<MasterKey>,
        owning: Owning,
    ) -> Result<(Arc<Self>, KeyTasks), StartError> {
        let Some(config) = ground.config.keys() else {
            let keys = Self::new(ground.clone(), masters)?;
            keys.check_masters().await?;
            return Ok((keys, KeyTasks::default()));
        };
        let database = match owning {
            Owning::Alone => Database::open(&config).await?,
            Owning::Beside => Database::beside(&config).await?,
        };
        migrations::apply(&database, &[MIGRATIONS], ground.now()).await?;
        let (writer, tasks) = Writer::start(&database, &ground.config.writer);
        let keys = Self::at(ground.clone(), masters, KeyPlace { database: database.clone(), writer })?;
        keys.move_in().await?;
        keys.check_masters().await?;
        Ok((keys, KeyTasks(Some((database, tasks)))))
    }
}
