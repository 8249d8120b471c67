"""Deterministic mixed text: several scripts, emoji, white space runs, code, combining marks, digits, control characters."""
import random

PHRASES = [
    "The quick brown fox jumps over the lazy dog.", "I'll say we've done it; they'd've known, wouldn't you?",
    "It's 1234567 o'clock on 2024-01-31, 3.14159 or 1,000,000.50!", "HELLO WORLD'S BEST DON'T CAN'T YOU'RE",
    "Ünïcödé naïve café résumé coöperate Straße ŁÓDŹ İstanbul ſtraße", "don’t “quote” — dash – ellipsis… №5 ½ ² Ⅷ",
    "Съешь ещё этих мягких французских булок, да выпей чаю.", "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία",
    "敏捷的棕色狐狸跳过懒狗。今天天气很好！", "色は匂へど散りぬるを　カタカナ ﾊﾝｶｸ が ぎ", "키스의 고유조건은 입술끼리 만나야 한다",
    "เป็นมนุษย์สุดประเสริฐเลิศคุณค่า กว่าบรรดาฝูงสัตว์เดรัจฉาน", "صِف خَلقَ خَودٍ كَمِثلِ الشَمسِ إِذ بَزَغَت ١٢٣٤٥",
    "דג סקרן שט בים מאוכזב", "ऋषियों को सताने वाले दुष्ट राक्षसों के राजा १२३", "ਕਵਿਤਾ தமிழ் মানুষ ಕನ್ನಡ മലയാളം",
    "Tiếng Việt có nhiều dấu: ắằẳẵặ ơờởỡợ", "e\u0301 a\u0308\u0323 o\u0323\u0308 \u1100\u1161\u11a8 \u0930\u093c",
    "👍🏽 👨‍👩‍👧‍👦 🏳️‍🌈 🇩🇪🇯🇵 😀😃😄 ❤️‍🔥 ☺️ 1️⃣", "def f(x: int) -> str:\n\treturn f\"{x!r}\"  # comment\n\n",
    "for (int i = 0; i < n; ++i) {\n        a[i] += b[i] * c->d;\n}\n", "if __name__ == '__main__':\n    main()\n",
    "<html><body class=\"x\">&amp; &lt;</body></html>", "https://example.org/a_b-c?d=e&f=%20#g", "user.name+tag@mail.example",
    "a\tb\t\tc", "   leading", "trailing   ", "a  b   c    d     e", "\n\n\n", "line\r\nline\r\n\r\nline", " \n \n ",
    "\u00a0nbsp\u00a0 \u2003em\u2003\u2009thin \u3000ideographic \u200bzwsp\u200b \u202fnnbsp", "\u2028ls\u2029ps\u0085nel",
    "ctrl\u0001\u0007\u001f\u007f\u0080 \ufffd \ufeffbom", "soft\u00adhyphen \u200e\u200fmarks \u061c", "\U0001d4d0\U0001d4d1 𝔘𝔫𝔦 ℌ ﬁ ﬂ ﷺ Å Ω K",
    "$100 €50 £20 ¥1000 ₹5 x² + y³ ≠ ∞ ± √2 ∑ ∫", "\U0001f600\U00020000\U0002a6d6 \U000e0100", "___snake_case__ CamelCaseWord kebab-case ...",
    "'s 't 're 've 'm 'll 'd 'S 'T 'RE 'Ve 'ſ ''s", "<s> </s> <unk> [CLS] [SEP] [MASK] <|im_start|>user<|im_end|> <|endoftext|>",
    "▁lower one eighth▁block ▁▁", "<0x41> <0x0A>", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "!!!???...---===***",
    "0123456789012345678901234567890", "٣٫١٤ ½⅓ ①②③ 一二三 Ⅳ", "hello\u0301 w\u0302orld", "\u0e33\u0e49 \u0f71\u0f72\u0f74 \u0f73",
]
RANGES = [
    (0x20, 0x7E), (0xA0, 0x17F), (0x370, 0x3FF), (0x400, 0x4FF), (0x5D0, 0x5EA), (0x620, 0x66F), (0x904, 0x96F),
    (0xE01, 0xE5B), (0x10A0, 0x10FF), (0x1E00, 0x1EFF), (0x2000, 0x206F), (0x2190, 0x22FF), (0x3041, 0x30FF),
    (0x4E00, 0x9FA5), (0xAC00, 0xD7A3), (0xFF01, 0xFF60), (0x1F300, 0x1F64F), (0x300, 0x36F),
]


def lines(count, seed=7, texts=()):
    """`count` lines; those of `texts` are mixed in. Unassigned code points are left out: versions of Unicode differ there."""
    import unicodedata

    random.seed(seed)
    pool = [line for text in texts for line in text.splitlines() if line.strip()]
    result = ["", " ", "\n", "a"] + PHRASES
    while len(result) < count:
        kind = random.random()
        if pool and kind < 0.3:
            line = random.choice(pool)
        elif kind < 0.55:
            line = random.choice(["", " ", "\n", "\t", "  "]).join(random.sample(PHRASES, random.randint(1, 4)))
        elif kind < 0.75:
            low, high = random.choice(RANGES)
            text = (chr(random.randint(low, high)) for _ in range(random.randint(1, 40)))
            line = "".join(c for c in text if unicodedata.category(c) != "Cn")
            if random.random() < 0.5:
                line = line.replace(line[:1] or "x", " ", 2)
        elif kind < 0.9:
            words = " ".join(PHRASES).split(" ")
            line = random.choice([" ", "", "  ", "\n"]).join(random.choice(words) for _ in range(random.randint(1, 25)))
        else:
            text = random.choice(PHRASES)
            cut = sorted(random.randrange(len(text) + 1) for _ in range(2))
            line = " " * random.randint(0, 5) + text[cut[0]:cut[1]] + "\n" * random.randint(0, 3)
        result.append(line)
    return result[:count]
