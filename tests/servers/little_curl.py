"""As much of curl as the pages use, for machines that have none.

It knows `-s`, `-sw TEXT`, `-H HEADER` and `-d @-`, which drops line ends as curl does.
"""

import sys
from urllib.request import Request, urlopen


def main(words: list[str]) -> None:
    """Asks and prints the answer."""
    given = iter(words)
    url, body, after, headers = "", None, "", {}
    for word in given:
        match word:
            case "-s":
                pass
            case "-sw":
                after = next(given).replace("\\n", "\n")
            case "-H":
                name, _, value = next(given).partition(": ")
                headers[name] = value
            case "-d":
                assert next(given) == "@-"
                body = sys.stdin.read().replace("\r", "").replace("\n", "").encode()
            case _:
                url = word
    with urlopen(Request(url, body, headers)) as answer:
        sys.stdout.write(answer.read().decode() + after)


if __name__ == "__main__":
    main(sys.argv[1:])
