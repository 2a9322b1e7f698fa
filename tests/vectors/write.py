"""`python -m tests.vectors.write`: writes clients/verifiers/vectors anew from the tables here."""

from tests.vectors.files import FOLDER, written

if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path, text in written():
        path.write_text(text, encoding="utf-8", newline="\n")
        print(f"{path.name}: {text.count(chr(10))} cases")
