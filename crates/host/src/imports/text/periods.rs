//! Words for the halves of the day, and words that say nothing, as phones write them in many languages.

/// Which half of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Period {
    Am,
    Pm,
    /// Around noon, where a language has a word for it.
    Noon,
}

/// In lower case, without dots and spaces.
const AM: &[&str] = &[
    "am",
    "पूर्वाह्न",
    "सुबह",
    "मपू",
    "ص",
    "صباحا",
    "صباحًا",
    "قظ",
    "قبلازظهر",
    "上午",
    "早上",
    "凌晨",
    "清晨",
    "午前",
    "오전",
    "πμ",
    "öö",
    "pd",
    "eparadites",
    "pg",
    "sa",
    "મપૂ",
    "ਪੂਦੁ",
    "முற்பகல்",
    "ಪೂರ್ವಾಹ್ನ",
    "পূর্বাহ্ণ",
    "পূর্বাহ্ন",
    "ጥዋት",
    "asubuhi",
    "dop",
    "de",
    "vm",
    "fm",
    "ap",
    "priekšpusdienā",
    "priekšp",
    "priešpiet",
    "преподне",
    "прпл",
    "претпладне",
    "дп",
    "преди",
    "пробяд",
    "to",
    "үө",
    "rn",
    "ก่อนเที่ยง",
    "ព្រឹក",
    "ກ່ອນທ່ຽງ",
    "לפנה״צ",
    "לפנה\"צ",
];
const PM: &[&str] = &[
    "pm",
    "अपराह्न",
    "शाम",
    "मउ",
    "م",
    "مساء",
    "مساءً",
    "بظ",
    "بعدازظهر",
    "下午",
    "晚上",
    "午後",
    "오후",
    "μμ",
    "ös",
    "md",
    "epasdites",
    "ptg",
    "ch",
    "મઉ",
    "ਬਾਦੁ",
    "பிற்பகல்",
    "ಅಪರಾಹ್ನ",
    "অপরাহ্ণ",
    "অপরাহ্ন",
    "ከሰዓት",
    "mchana",
    "odp",
    "du",
    "nm",
    "em",
    "ip",
    "pēcpusdienā",
    "pēcp",
    "popiet",
    "поподне",
    "попл",
    "попладне",
    "пп",
    "слобяд",
    "tk",
    "үх",
    "in",
    "หลังเที่ยง",
    "ល្ងាច",
    "ຫຼັງທ່ຽງ",
    "אחה״צ",
    "אחה\"צ",
];
const NOON: &[&str] = &["中午"];
/// Between date and time, or behind them.
const NOTHING: &[&str] = &[
    "г", "год", "р", "klo", "kl", "at", "um", "à", "às", "alle", "ore", "o", "u", "ob", "uur", "uhr", "日",
    "일", "分", "h", "в", "о",
];

/// The half of the day that is said around a time, if any is.
pub(crate) fn of(around: &[&str]) -> Result<Option<Period>, &'static str> {
    let mut word = String::new();
    for part in
        around.iter().flat_map(|gap| gap.split(|char: char| char.is_whitespace() || ",،、;".contains(char)))
    {
        let bare = |char: &char| !matches!(char, '.' | '\u{200c}' | '\u{200d}' | '/' | '-');
        let part: String = part.chars().filter(bare).collect::<String>().to_lowercase();
        if !NOTHING.contains(&&*part) {
            word.push_str(&part);
        }
    }
    // Where a date ends in a word of its own script, the half of the day may follow without a space.
    let word = word.strip_prefix(['日', '일']).unwrap_or(&word);
    match word {
        "" => Ok(None),
        word if AM.contains(&word) => Ok(Some(Period::Am)),
        word if PM.contains(&word) => Ok(Some(Period::Pm)),
        word if NOON.contains(&word) => Ok(Some(Period::Noon)),
        _ => Err("a word in its time is not known"),
    }
}
