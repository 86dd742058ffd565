//! The words of authentication templates, which are not the business's own: the same in every template of a language.

/// What stands in an authentication template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Words {
    /// The code, and what it is.
    pub(super) body: &'static str,
    /// Not to be passed on.
    pub(super) advice: &'static str,
    /// Until when; `#` stands for the minutes.
    pub(super) expires: &'static str,
    /// What the button says.
    pub(super) copy: &'static str,
}

macro_rules! languages {
    ($($code:literal: $body:literal, $advice:literal, $expires:literal, $copy:literal;)*) => {
        const LANGUAGES: &[(&str, Words)] = &[$((
            $code,
            Words { body: $body, advice: $advice, expires: $expires, copy: $copy },
        )),*];
    };
}

languages! {
    "en": "*{{1}}* is your verification code.", "For your security, do not share this code.",
        "This code expires in # minutes.", "Copy code";
    "ar": "*{{1}}* هو رمز التحقق الخاص بك.", "حفاظًا على أمانك، لا تشارك هذا الرمز.",
        "تنتهي صلاحية هذا الرمز خلال # دقيقة.", "نسخ الرمز";
    "cs": "*{{1}}* je váš ověřovací kód.", "Pro své bezpečí tento kód nikomu nesdělujte.",
        "Platnost kódu vyprší za # min.", "Kopírovat kód";
    "da": "*{{1}}* er din bekræftelseskode.", "Del ikke koden med andre af hensyn til din sikkerhed.",
        "Koden udløber om # minutter.", "Kopiér kode";
    "de": "*{{1}}* ist dein Verifizierungscode.", "Gib diesen Code zu deiner Sicherheit nicht weiter.",
        "Dieser Code läuft in # Minuten ab.", "Code kopieren";
    "es": "*{{1}}* es tu código de verificación.", "Por tu seguridad, no lo compartas.",
        "Este código caduca en # minutos.", "Copiar código";
    "fi": "*{{1}}* on vahvistuskoodisi.", "Turvallisuutesi vuoksi älä jaa tätä koodia.",
        "Koodi vanhenee # minuutin kuluttua.", "Kopioi koodi";
    "fr": "*{{1}}* est votre code de vérification.", "Pour votre sécurité, ne le partagez pas.",
        "Ce code expire dans # minutes.", "Copier le code";
    "he": "*{{1}}* הוא קוד האימות שלך.", "למען ביטחונך, אין לשתף את הקוד הזה.",
        "תוקף הקוד יפוג בעוד # דקות.", "העתקת הקוד";
    "hi": "*{{1}}* आपका सत्यापन कोड है।", "अपनी सुरक्षा के लिए यह कोड किसी को न बताएँ।",
        "यह कोड # मिनट में समाप्त हो जाएगा।", "कोड कॉपी करें";
    "id": "*{{1}}* adalah kode verifikasi Anda.", "Demi keamanan, jangan bagikan kode ini.",
        "Kode ini berlaku selama # menit.", "Salin kode";
    "it": "*{{1}}* è il tuo codice di verifica.", "Per la tua sicurezza, non condividerlo.",
        "Questo codice scade tra # minuti.", "Copia codice";
    "ja": "*{{1}}* が確認コードです。", "安全のため、このコードを他人に教えないでください。",
        "このコードの有効期限は#分です。", "コードをコピー";
    "ko": "*{{1}}* 인증 코드입니다.", "보안을 위해 이 코드를 공유하지 마세요.",
        "이 코드는 #분 후에 만료됩니다.", "코드 복사";
    "nb": "*{{1}}* er bekreftelseskoden din.", "Av sikkerhetsgrunner må du ikke dele denne koden.",
        "Koden utløper om # minutter.", "Kopier kode";
    "nl": "*{{1}}* is je verificatiecode.", "Deel deze code voor je eigen veiligheid met niemand.",
        "Deze code verloopt over # minuten.", "Code kopiëren";
    "pl": "*{{1}}* to Twój kod weryfikacyjny.", "Dla bezpieczeństwa nie udostępniaj tego kodu.",
        "Kod wygaśnie za # min.", "Kopiuj kod";
    "pt": "*{{1}}* é o seu código de verificação.", "Para sua segurança, não o compartilhe.",
        "Este código expira em # minutos.", "Copiar código";
    "ro": "*{{1}}* este codul tău de verificare.", "Pentru siguranța ta, nu împărtăși acest cod.",
        "Acest cod expiră în # minute.", "Copiază codul";
    "ru": "*{{1}}* — ваш код подтверждения.", "В целях безопасности никому не сообщайте этот код.",
        "Код действует # мин.", "Скопировать код";
    "sv": "*{{1}}* är din verifieringskod.", "Dela inte koden, för din egen säkerhet.",
        "Koden går ut om # minuter.", "Kopiera kod";
    "tr": "*{{1}}* doğrulama kodunuz.", "Güvenliğiniz için bu kodu paylaşmayın.",
        "Bu kodun süresi # dakika içinde dolacak.", "Kodu kopyala";
    "uk": "*{{1}}* — ваш код підтвердження.", "Задля безпеки нікому не повідомляйте цей код.",
        "Код дійсний # хв.", "Скопіювати код";
    "vi": "*{{1}}* là mã xác minh của bạn.", "Để bảo mật, đừng chia sẻ mã này.",
        "Mã này hết hạn sau # phút.", "Sao chép mã";
    "zh_CN": "*{{1}}* 是你的验证码。", "为了安全，请勿分享此验证码。",
        "此验证码将在 # 分钟后失效。", "复制验证码";
    "zh": "*{{1}}* 是您的驗證碼。", "為了安全，請勿分享此驗證碼。",
        "此驗證碼將在 # 分鐘後失效。", "複製驗證碼";
}

/// Those of a language, or else of the language without its country; English where there are none.
pub(super) fn words(language: &str) -> Words {
    let bare = language.split('_').next().unwrap_or_default();
    let of = |code: &str| LANGUAGES.iter().find(|(known, _)| *known == code).map(|(_, words)| *words);
    let (_, english) =
        LANGUAGES.first().copied().unwrap_or(("en", Words { body: "", advice: "", expires: "", copy: "" }));
    of(language).or_else(|| of(bare)).unwrap_or(english)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_a_place_for_the_code_and_for_the_minutes() {
        for (code, words) in LANGUAGES {
            assert_eq!(words.body.matches("{{1}}").count(), 1, "{code}");
            assert_eq!(words.expires.matches('#').count(), 1, "{code}");
            assert!(words.copy.chars().count() <= 25 && !words.advice.is_empty(), "{code}");
        }
        assert_eq!(words("pt_BR"), words("pt_PT"));
        assert_ne!(words("zh_CN"), words("zh_HK"));
        assert_eq!(words("xx"), words("en_GB"));
    }
}
