"""The reference that tests/embed.rs compares with: all-MiniLM-L6-v2 in Python, written independently of src/embed.

    python3 -m venv /somewhere/venv && /somewhere/venv/bin/pip install onnxruntime tokenizers numpy
    /somewhere/venv/bin/python tests/reference/embed_reference.py models/all-MiniLM-L6-v2 tests/reference

writes minilm.json (the texts) and minilm.bin (their vectors: 384 little-endian f32 each, in the order of the texts).

A text of at most 256 tokens (with [CLS] and [SEP]): mean of last_hidden_state over the attention mask, scaled to length
one. A longer text: its tokens without specials are taken from the left, 254 at a time; a piece ends before the first
word that would not fit whole (a word longer than a piece is split between tokens); each piece, cut out of the text
itself, is embedded as above; the text's vector is the mean of the pieces' vectors, each weighted by its number of
tokens without specials, scaled to length one.
"""

import json
import pathlib
import sys

import numpy as np
import onnxruntime
import tokenizers

MAX_TOKENS = 256


class Reference:
    def __init__(self, folder):
        self.session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
        self.tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()

    def one(self, text):
        encoding = self.tokenizer.encode(text)
        feed = {
            "input_ids": np.array([encoding.ids], dtype=np.int64),
            "attention_mask": np.array([encoding.attention_mask], dtype=np.int64),
            "token_type_ids": np.array([encoding.type_ids], dtype=np.int64),
        }
        (hidden,) = self.session.run(["last_hidden_state"], feed)
        mask = feed["attention_mask"][..., None].astype(np.float64)
        pooled = (hidden * mask).sum(axis=1)[0] / mask.sum(axis=1)[0]
        return pooled / np.linalg.norm(pooled)

    def pieces(self, text):
        encoding = self.tokenizer.encode(text)
        words = {}  # word -> the character at which each of its tokens starts
        for word, (start, _) in zip(encoding.word_ids, encoding.offsets):
            if word is not None:
                words.setdefault(word, []).append(start)
        room = MAX_TOKENS - (len(encoding.ids) - sum(map(len, words.values())))
        starts, used = [0], 0
        for _, tokens in sorted(words.items()):
            if used and used + len(tokens) > room:
                starts.append(tokens[0])
                used = 0
            while used + len(tokens) > room:
                tokens = tokens[room - used :]
                starts.append(tokens[0])
                used = 0
            used += len(tokens)
        return [text[a:b] for a, b in zip(starts, starts[1:] + [len(text)])]

    def embed(self, text):
        pieces = self.pieces(text)
        if len(pieces) == 1:
            return self.one(text)
        weights = [len(self.tokenizer.encode(piece, add_special_tokens=False).ids) for piece in pieces]
        pooled = sum(weight * self.one(piece) for weight, piece in zip(weights, pieces))
        return pooled / np.linalg.norm(pooled)


NURSE = (
    "I have been a nurse practitioner for twelve years, first in the emergency room of a city hospital and then in a "
    "small clinic, where I learned that listening is half of the treatment. "
)
STUDENT = (
    "As a first-generation student I worked two jobs, failed organic chemistry once, and found out how much a mentor's "
    "plain words can change; now I help others to plan their courses, apply for grants and not give up. "
)

TEXTS = [
    # short
    "Nurse practitioner",
    "nurse practitioner",
    "NURSE PRACTITIONER",
    "a",
    "42",
    "Software engineer. Google. Software",
    "Ph.D. Student in Political Science at Harvard University",
    "Event Hospitality & Operations Specialist. Special Events",
    "I want to become a nurse and I am afraid of the exams",
    "How do I move from the ER to a clinic?",
    "burnout, career change",
    "C++/Rust, k8s, CI/CD & 24/7 on-call",
    "jazz; triage; knitting; chess",
    "email me at someone@example.org or see example.org/a?b=c#d",
    "$120k (before tax), 50% remote, 3.5 yrs",
    # almost nothing, and nothing
    "",
    " ",
    "\n\t  \r\n",
    ".",
    "...!?",
    "\u200b\u200d\ufeff",
    "[CLS] [SEP] [MASK] [PAD]",
    # emoji
    "🎓",
    "👩‍⚕️ nurse in training 🩺✨",
    "🇺🇸🇲🇽 bilingual teacher 👍🏽",
    "I ❤️ data 📊📈",
    # other scripts, accents
    "Enfermera de urgencias que busca ser jefa de enfermería",
    "Krankenschwester mit Prüfungsangst, möchte Ärztin werden",
    "naïve café résumé — coöperate",
    "cafe\u0301 re\u0301sume\u0301",
    "Медсестра в отделении неотложной помощи",
    "看護師になりたいです。試験が怖いです。",
    "我想成为一名护士，但是害怕考试",
    "나는 간호사가 되고 싶어요",
    "أريد أن أصبح ممرضة",
    "אני רוצה להיות אחות",
    "मैं नर्स बनना चाहती हूँ",
    "ฉันอยากเป็นพยาบาล",
    "ﬁne ﬂow Ⅷ ½ ｆｕｌｌ ｗｉｄｔｈ",
    # newlines and control characters
    "Line one\nline two\r\n\r\nline four\ttabbed",
    "zero\u0000byte and \u0007bell",
    # long single words
    "supercalifragilisticexpialidocious" * 2,
    "x" * 99 + " nurse",
    "donaudampfschifffahrtsgesellschaftskapitän" * 30,
    "https://example.org/" + "path-segment/" * 120,
    # about the limit, and beyond it
    " ".join(["nurse"] * 254),
    " ".join(["nurse"] * 255),
    NURSE * 12,
    (NURSE + STUDENT) * 15,
    "护士和医生" * 200 + STUDENT * 6 + "🩺" * 50,
]


def main():
    folder, out = map(pathlib.Path, sys.argv[1:3])
    reference = Reference(folder)
    assert len(TEXTS) == 50, len(TEXTS)
    vectors = np.stack([reference.embed(text) for text in TEXTS]).astype("<f4")
    (out / "minilm.json").write_text(json.dumps(TEXTS, ensure_ascii=True, indent=0) + "\n")
    (out / "minilm.bin").write_bytes(vectors.tobytes())
    print(len(TEXTS), "texts,", [len(reference.pieces(text)) for text in TEXTS], "pieces")


main()
