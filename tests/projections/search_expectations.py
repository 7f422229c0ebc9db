# ruff: noqa: RUF001 - texts in many scripts
"""What people expect a search to find: texts, each with the filters that must find it and those that must not."""

TextExpectation = tuple[str, str, str]
"""A title; the filters that find it; the filters that do not; both separated by ` | `."""

TECHNICAL: list[TextExpectation] = [
    ("Import/export of boards", "import/export | import | export | IMPORT/EXPORT | board", "port | import/board"),
    ("Fix CI/CD pipeline", 'CI/CD | ci | cd | cd/pipeline | "CI CD"', "ci/pipeline | dc"),
    ("Upgrade to Node.js 22", "Node.js | node | js | nodejs or node.js | 22", "nodejs | node.ts"),
    ("Order an iPhone-15 case", "iPhone-15 | iphone | 15 | iPhone15 | iphone-15", "iphone-1 | phone"),
    (
        "Write to anna@example.com",
        "anna@example.com | anna | example.com | example | ANNA@EXAMPLE.COM",
        "ann | ample.com",
    ),
    ("Release v2.10.3 today", "v2.10.3 | 2.10.3 | 2.10 | v2 | 10.3", "v2.1 | 2.10.4 | v3"),
    (
        "See https://docs.example.org/guide/start?page=2#top",
        'docs.example.org | guide | guide/start | "https://docs.example.org/guide/start?page=2#top" | top',
        "doc-guide | start/guide",
    ),
    (
        "Edit /etc/nginx/nginx.conf",
        "/etc/nginx/nginx.conf | nginx.conf | nginx | etc/nginx | conf",
        "nginx/etc | conf.nginx",
    ),
    (
        "Read C:\\Users\\Ann\\report_final.docx",
        'report_final.docx | report | final | docx | "C:\\\\Users\\\\Ann" | users',
        "report.docx | final_report",
    ),
    ("Set temperature to -15 degrees", '15 | "-15" | "to -15 degrees"', "-15 | 150 | 5"),
    ("Call +7 916 123-45-67", '916 | 123-45-67 | "+7 916" | 45-67', "912 | 123-67"),
    ("Budget +3.5% this year", '3.5 | "3.5%" | "+3.5%"', "35 | 3.6"),
    ("Text after <script> must be found", 'script | text | must | found | "<script>"', "absent | scripted-word"),
    ("Broken <style>p { color: red }</style> page", "style | color | red | page | broken", "blue"),
    ("Use <b>bold</b> words", "bold | word | words", "italic"),
    ("Learn C++ and C#", '"C++" | C# | c | "C++ and C#"', 'd# | "=="'),
    ("Only the C compiler", "c | compiler", '"C++" | C#'),
    (
        "snake_case_name and kebab-case-name",
        "snake_case_name | snake | kebab | kebab-case-name | case_name | case-name",
        "snake-name",
    ),
    ("Deploy to 192.168.0.1:8080", '192.168.0.1 | "192.168.0.1:8080" | 8080 | 168.0', "192.168.1.1 | 808"),
    ("Meeting at 10:30 on 2026-12-01", '"10:30" | 2026-12-01 | 2026-12 | 2026', "2026-01 | 12-10"),
    ("Fix issue #1234 in owner/repo", "#1234 | 1234 | owner/repo | repo", "#123 | owner/issue"),
    ("Buy for $100 or 50€", '"$100" | 100 | "50€" | 50 | "50 €"', '"€100" | "$50"'),
    ("Handle a != b && c", '"!=" | "&&" | "a != b"', '"==" | "||"'),
    ("Celebrate 🎉 the launch 👩‍💻", '"🎉" | "🎉 the launch" | "👩‍💻" | "👩" | launch', '"🎂" | "launch 🎉"'),
    ("Done ✔️ and starred ⭐", '"✔" | "✔️" | "⭐"', '"✖"'),
    ("Thumbs 👍🏽 up", '"👍" | "👍🏽"', '"👎"'),
    ("Really urgent!", '"!" | urgent | "urgent!"', '"?"'),
    ("AT&T and R&D", '"AT&T" | "R&D" | r', '"AT&D"'),
    ("KEY=value; PATH=$HOME/bin", '"KEY=value" | "$HOME" | home/bin', '"KEY=bin"'),
    ("utf8mb4 on x86_64", "utf8mb4 | utf8 | x86_64 | x86 | 64", "utf16 | x8"),
    ("H2O and CO2", "h2o | co2 | h | o", "h3o"),
    ("foo.bar.baz() in module.py", '"foo.bar.baz()" | bar.baz | module.py | py', "foo.baz"),
    ("Room 3.14-B", "3.14-B | 3.14 | 14-b", "3.15"),
    ("Print № 5 on A4", '"№ 5" | a4 | 5', '"№ 6" | a5'),
]

ENGLISH: list[TextExpectation] = [
    (
        "Kitchens are being repaired",
        "kitchen | repair | repairing | kitch* | KITCHEN | repa* | kitchens are",
        "chicken | itchen* | bath*",
    ),
    ("To be or not to be", '"to be" | to | be | "or not" | not', '"be not" | the'),
    ("The who of it", "the | who | of | it | the who", "a | whom"),
    (
        "Don\u2019t forget Anna\u02bcs visit",
        '"don\'t" | "don\u2019t" | "Anna\'s" | anna | "Anna\u02bcs" | don\u02bct | forgetting',
        '"Annas visit" | bob',
    ),
    (
        "State\u2013of\u2014the\u2010art tools",
        "state-of-the-art | state | art | state\u2013of\u2013the\u2013art | tool",
        "state-art",
    ),
    ("Re\u00adplace the co\u200bnnector", "replace | connector | re\u00adplacing | con\u2060nector", "place | re"),
    (
        "Caf\u00e9 menu and r\u00e9sum\u00e9",
        "cafe | caf\u00e9 | cafe\u0301 | CAF\u00c9 | resume | r\u00e9sum\u00e9s",
        "cafeteria | caf",
    ),
    ("Cafe menu", "caf\u00e9 | cafe\u0301", "cage"),
    ("ＦＵＬＬ width ﬁle ①", "full | file | 1 | ＦＵＬＬ", "half"),
    ("Pay invoices. Today, again", '"invoices today" | "today again" | "invoice, today"', '"again today"'),
    ("running shoes", "run | runs | running | shoe | run*", "runner | runnin"),
    ("Universal studies", "universal | study | univers*", "verse"),
    ("naïve façade, smörgåsbord, Łódź", "naive | facade | smorgasbord | lodz | ŁÓDŹ | sm\u00f6rg*", "naiv3 | lod"),
]

RUSSIAN: list[TextExpectation] = [
    ("Купить молочные бутылки", "бутылка | бутылками | молочный | КУПИТЬ | бутыл* | купи*", "бутыль | молот | утыл*"),
    ("Ёлка и ёжик на праздник", "елка | ёлка | ЕЛКА | ежик | ё\u0301лка or ёлку | елки", "ель | жик"),
    ("Елка в лесу", "ёлка | Ёлку | лес", "лось"),
    ("Е\u0308лка разобранная", "ёлка | елка", "полка"),
    ("Й и\u0306од", "йод | й | ЙОД", "иод | и"),
    ("Старинный за\u0301мок", "замок | за\u0301мок", "замша"),
    ("Мой дом и мои дома", "мой | дом | и | домом", "мы | дым"),
    (
        "Обновить сервер-приложение до версии 2.5",
        "сервер-приложение | сервер | приложение | 2.5 | сервера",
        "приложение-сервер | 2.6",
    ),
    ("Отчёт за I/2026 год", "отчет | отчёты | I/2026 | 2026 | год", "отчество | 2025"),
    ("Сделать что-нибудь для мамы", "что-нибудь | что | нибудь | мама | для", "кто-нибудь | без"),
    ("Письмо на anna@почта.рф", "anna@почта.рф | почта | почта.рф | рф", "почта.ру"),
    ("П\u02bcять об\u2019єктів", 'п\u02bcять | "п\'ять" | "об\'єктів" | "п\u2019ять"', '"пять"'),
    ("Проверить wi‑fi роутер", "wi-fi | wifi or wi | роутер | fi", "fi-wi"),
    ("БЮДЖЕТ", "бюджет | Бюджета | бюдж*", "бюджетный-отдел"),
    ("не забыть про и", "не | и | про | забыть", "ни"),
    ("Крым*2026: отпуск", "крым | 2026 | отпуск | отпуска", "крыша"),
]

GERMAN_FRENCH: list[TextExpectation] = [
    ("Straße kehren", "Straße | strasse | STRASSE | STRAẞE | stras*", "strand"),
    (
        "Übung für Größe und Maß",
        "ubung | übung | ÜBUNG | grosse | größe | mass | für | fur | U\u0308bung",
        "uebung-2 | grus",
    ),
    (
        "Kühlschrank-Reparatur am Montag",
        "Kühlschrank-Reparatur | kuhlschrank | Reparatur | kühl* | montag",
        "schrank | reparatur-kühlschrank",
    ),
    ("Die Äpfel der Nachbarn", "äpfel | apfel or äpfel | apfel | der | die", "birne"),
    ("L\u2019école des élèves", 'école | ecole | "l\'école" | élève | eleves | ÉCOLE', "colle | lecole"),
    ("Garçon, où est le café ?", 'garcon | ou | garçon | cafe | le | "garçon où"', "garce"),
    ("Œuvre d'art & cœur", 'oeuvre | œuvre | coeur | cœur | "d\'art" | art', "euvre"),
    ("Noël à Saint-Étienne", "noel | NOËL | saint-etienne | étienne | à | a", "saint-noel"),
    ("Señor Ñandú", "senor | señor | nandu", "senora"),
    ("Dvořák in Åre, Søren", "dvorak | are | soren | søren", "dvor"),
    ("İstanbul ve Iğdır", "istanbul | igdir | İSTANBUL", "stanbul"),
]

GREEK_OTHER: list[TextExpectation] = [
    ("Οδυσσεύς", "οδυσσευς | ΟΔΥΣΣΕΥΣ | οδυσσεύς | οδυσσευσ", "οδος"),
    ("ΟΔΟΣ ΕΡΜΟΥ", "οδός | οδος | ερμού", "ερμης"),
    ("שָׁלוֹם עולם", "שלום | עולם", "שלו-ם"),
    ("مُهِمَّة جديدة", "مهمة | جديدة", "مهم"),
    ("Đà Nẵng phở", "da | đà | nang | pho | phở", "dan"),
]

ASIAN: list[TextExpectation] = [
    ("東京都の天気を確認する", "東京 | 京都 | 天気 | 東京都 | 天気を | 東 | 確認する", "大阪 | 東都 | 気天"),
    ("カタカナとｶﾞｿﾘﾝ", "カタ | カナ | ガソリン | ｶﾞｿﾘﾝ | カ\uff9eソリン or ガソ", "ガス | ナカ"),
    ("パソコンを買う", "パソコン | ソコン | ハ\u309aソコン | 買う", "ハソ | バソ"),
    ("第3章を読む", "第3章 | 3 | 章 | 第 | 読む", "第4章 | 章3"),
    ("牛乳を買う、パンも", "牛乳 | パン | 買う", "牛肉"),
    ("更新数据库连接池", "数据库 | 数据 | 连接池 | 据库 | 库连", "数库 | 连池"),
    ("数据库v2.1升级", "v2.1 | 升级 | 数据库v2.1 | 库", "v2.2"),
    ("학교에서 회의를 한다", "학교 | 학교에서 | 회의 | 한다 | \u1112\u1161\u11a8교", "병원 | 교학"),
    ("ซื้อนมที่ร้านค้า", "นม | ร้านค้า | ร้าน | ซื้อ | ที่ร้าน | ซื้อนม", "น้ำ | ค้าร้าน"),
    ("ประชุมทีมวันจันทร์", "ประชุม | ทีม | วันจันทร์ | จันทร์", "อังคาร"),
    ("रसोई की मरम्मत करना", "रसोई | मरम्मत | की | रसो* | करना", "रस | मरम"),
    ("हिन्दी ज़रूरी काम", "हिन्दी | ज़रूरी | जरूरी | काम | हिन्*", "हिन"),
    ("ক্রয় বাংলা", "বাংলা | ক্রয়", "বাং"),
    ("தமிழ் பாடம்", "தமிழ் | பாடம்", "தமி"),
    ("买🍎和MacBook-Pro", '"🍎" | macbook-pro | macbook | "买🍎"', '"🍊"'),
]
EXPECTATIONS = [*TECHNICAL, *ENGLISH, *RUSSIAN, *GERMAN_FRENCH, *GREEK_OTHER, *ASIAN]
