"""A random history in a random layout, from a seed."""

import dataclasses
import datetime
import gzip
import io
import math
import random
import zipfile
from collections.abc import Callable

Cells = list[str]
Dates = list[datetime.date]

MONTHS = {
    "German": [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
    "French": [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
    "Spanish": [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ],
    "Italian": ["gen", "feb", "mar", "apr", "mag", "giu", "lug", "ago", "set", "ott", "nov", "dic"],
    "Polish": [
        "stycznia",
        "lutego",
        "marca",
        "kwietnia",
        "maja",
        "czerwca",
        "lipca",
        "sierpnia",
        "września",
        "października",
        "listopada",
        "grudnia",
    ],
    "Turkish": [
        "Ocak",
        "Şubat",
        "Mart",
        "Nisan",
        "Mayıs",
        "Haziran",
        "Temmuz",
        "Ağustos",
        "Eylül",
        "Ekim",
        "Kasım",
        "Aralık",
    ],
}


def in_words(language: str) -> Callable[[datetime.date], str]:
    return lambda day: f"{day.day} {MONTHS[language][day.month - 1]} {day.year}"


def since_1970(day: datetime.date, factor: int) -> str:
    return str((day - datetime.date(1970, 1, 1)).days * 86_400 * factor)


DATE_STYLES: dict[str, Callable[[datetime.date], str]] = {
    **{style: (lambda day, style=style: day.strftime(style)) for style in (
        *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y"),
        *("%m/%d/%y", "%d.%m.%y", "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%B %d, %Y", "%A, %d %B %Y"),
        *("%Y年%m月%d日", "%Y. %m. %d.", "%Y-%m-%dT00:00:00", "%Y-%m-%d 00:00:00+00:00", "%d/%m/%Y 16:30"),
        *("%m/%d/%Y 4:00:00 PM", "%Y%m%d 170000", "%Y-%m-%dT09:30:00.000Z", "%a %b %d %Y 00:00:00 GMT+0100 (CET)"),
    )},
    "days": lambda day: f"{day.day}.{day.month}.{day.year}",
    "seconds": lambda day: since_1970(day, 1),
    "milliseconds": lambda day: since_1970(day, 1000),
    "Excel": lambda day: str((day - datetime.date(1899, 12, 30)).days),
    "Minguo": lambda day: f"{day.year - 1911}/{day:%m/%d}",
    "Reiwa": lambda day: f"令和{day.year - 2018}年{day.month}月{day.day}日",
    **{language: in_words(language) for language in MONTHS},
}  # fmt: skip

Names = dict[str, tuple[str, ...]]
ENGLISH: Names = {
    "date": ("Date", "date", "timestamp", "Time", "<DATE>", "Trade Date"),
    "close": ("Close", "close", "<CLOSE>", "Close*", "Closing Price"),
    "price": ("Price", "Last", "Settle", "rate", "VALUE", "PX_LAST"),
    **{"open": ("Open", "<OPEN>"), "high": ("High",), "low": ("Low",), "volume": ("Volume", "Vol.")},
}
CONTINENTAL: Names = {
    "date": ("Datum", "Fecha", "Data", "Дата", "Tarih", "Dátum"),
    "close": ("Schluss", "Cierre", "Clôture", "Zamknięcie", "Chiusura", "Kapanış"),
    "price": ("Zuletzt", "Último", "Kurs", "Цена", "Koers", "Prezzo"),
    **{
        "open": ("Eröffnung", "Apertura"),
        "high": ("Hoch", "Máximo"),
        "low": ("Tief", "Mínimo"),
        "volume": ("Volumen",),
    },
}
ASIAN: Names = {
    "date": ("日付", "日期", "날짜", "年月日"),
    "close": ("終値", "收盘价", "종가", "收盤價"),
    "price": ("現在値", "最新价", "현재가"),
    **{"open": ("始値", "开盘"), "high": ("高値", "最高"), "low": ("安値", "最低"), "volume": ("出来高", "成交量")},
}
UNKNOWN_NAMES = ("DEXJPUS", "FXRJY", "x", "USD")


@dataclasses.dataclass(frozen=True)
class Habits:
    """What people of a region write together: names, decimal sign, and how dates look."""

    names: Names
    comma: bool
    is_continental: bool


@dataclasses.dataclass(frozen=True)
class Numbers:
    """A way to write numbers."""

    digits: int
    comma: bool
    thousands: str
    before: str = ""
    behind: str = ""

    def text(self, value: float) -> str:
        plain = f"{value:,.{self.digits}f}"
        whole, _, fraction = plain.partition(".")
        whole = whole.replace(",", self.thousands)
        sign = "," if self.comma else "."
        return f"{self.before}{whole}{sign + fraction if fraction else ''}{self.behind}"


@dataclasses.dataclass(frozen=True)
class File:
    """A file and the history in it."""

    seed: int
    name: str
    content: bytes
    dates: Dates
    close: list[float]
    description: str


def random_file(seed: int) -> File:
    """The file of a seed."""
    draw = random.Random(seed)
    style = draw.choice(list(DATE_STYLES))
    dates = random_dates(draw, style)
    habits = random_habits(draw)
    separator = draw.choice([",", ",", ",", ";", ";", "\t", "|"])
    numbers = random_numbers(draw, habits, style)
    close = random_prices(draw, len(dates), numbers)
    table = random_table(draw, habits, style, dates, close, numbers)
    text = random_text(draw, table, separator)
    encoding = draw.choice(["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16"])
    content = text.encode(encoding)
    name = "prices.csv"
    packing = draw.choice(["", "", "", "", "gzip", "zip"])
    if packing == "gzip":
        content = gzip.compress(content)
    elif packing == "zip":
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr(name, content)
        content = stream.getvalue()
    order = sorted(range(len(dates)), key=dates.__getitem__)
    description = f"seed {seed}, {style!r}, {separator!r}, {numbers}"
    return File(seed, name, content, [dates[row] for row in order], [close[row] for row in order], description)


def random_dates(draw: random.Random, style: str) -> Dates:
    """Days of a market, in order or newest first, in a span that the style can write."""
    first = datetime.date(2019, 6, 1) if style == "Reiwa" else datetime.date(2001, 10, 1)
    if style == "Minguo":
        first = datetime.date(2011, 3, 1)
    start = first + datetime.timedelta(days=draw.randrange(6 * 365))
    count = draw.randrange(8, 90)
    week = draw.choice([5, 5, 5, 7])
    days = (start + datetime.timedelta(days=number) for number in range(2 * count + 14))
    chosen = [day for day in days if day.weekday() < week and draw.random() > 0.03][:count]
    return chosen if draw.random() < 0.6 else chosen[::-1]


def random_habits(draw: random.Random) -> Habits:
    region = draw.choice(["English", "English", "continental", "continental", "mixed", "Asian"])
    if region == "continental":
        return Habits(CONTINENTAL, comma=True, is_continental=True)
    if region == "mixed":  # decimal commas below English names
        return Habits(ENGLISH, comma=True, is_continental=False)
    return Habits(ENGLISH if region == "English" else ASIAN, comma=False, is_continental=False)


def random_numbers(draw: random.Random, habits: Habits, style: str) -> Numbers:
    """A way to write numbers.

    Whole numbers with a point between thousands, below English names or none, look like decimals: nobody can tell.
    """
    thousands = draw.choice(["", "", "." if habits.comma else ",", " ", "'", "\u202f", "\u00a0"])
    before = draw.choice(["", "", "", "", "$", "€ ", "CHF ", "US$"])
    behind = "" if before else draw.choice(["", "", "", " EUR", "€", " kr"])
    digits = draw.randrange(1 if thousands == "." and style not in ("%d.%m.%Y", "days") else 0, 6)
    return Numbers(digits, habits.comma, thousands, before, behind)


def random_prices(draw: random.Random, count: int, numbers: Numbers) -> list[float]:
    """Prices that move a little and have as many digits as are written."""
    level = math.exp(draw.uniform(math.log(0.05), math.log(60_000)))
    least = 20 * 10**-numbers.digits
    level = max(level, least)
    prices = []
    for _ in range(count):
        level *= math.exp(draw.gauss(0, 0.012))
        prices.append(round(level, numbers.digits))
    return prices


def random_table(
    draw: random.Random, habits: Habits, style: str, dates: Dates, close: list[float], numbers: Numbers
) -> list[Cells]:
    """Header and rows: the dates, the prices, and other columns in any order."""
    written = [DATE_STYLES[style](day) for day in dates]
    prices = [numbers.text(price) for price in close]
    kind = draw.choice(["close", "close", "price", "unknown", "none"])
    names = {**habits.names, "unknown": UNKNOWN_NAMES, "none": ("",)}[kind]
    columns: list[tuple[str, Cells]] = [(draw.choice(names), prices)]
    if kind in ("close", "price"):
        columns += random_columns(draw, habits, close, numbers)
        draw.shuffle(columns)
    if draw.random() < 0.3 and kind != "none":
        columns.append(
            ("Change %", [f"{draw.uniform(-2, 2):+.2f}%".replace(".", "," if numbers.comma else ".") for _ in dates])
        )
    columns.insert(
        0 if draw.random() < 0.8 or kind == "none" else len(columns), (draw.choice(habits.names["date"]), written)
    )
    rows = [list(row) for row in zip(*(cells for _, cells in columns), strict=True)]
    return rows if kind == "none" else [[name for name, _ in columns], *rows]


def random_columns(
    draw: random.Random, habits: Habits, close: list[float], numbers: Numbers
) -> list[tuple[str, Cells]]:
    """Ranges, volumes, notes, symbols and row numbers."""
    columns: list[tuple[str, Cells]] = []
    if draw.random() < 0.5:
        for field, shift in (("open", 0.0), ("high", 0.01), ("low", -0.01)):
            values = [max(price * (1 + shift), 10**-numbers.digits) for price in close]
            columns.append((draw.choice(habits.names[field]), [numbers.text(value) for value in values]))
    if draw.random() < 0.5:
        plain = Numbers(2, numbers.comma, "")
        suffix = draw.choice(["", "K", "M"])
        columns.append(
            (draw.choice(habits.names["volume"]), [plain.text(draw.uniform(1, 999)) + suffix for _ in close])
        )
    if draw.random() < 0.15:
        columns.append(("symbol", ["ABC"] * len(close)))
    if draw.random() < 0.15:
        columns.append(("Unnamed: 0", [str(row) for row in range(len(close))]))
    if draw.random() < 0.1:
        columns.append(("Open Interest", [str(draw.randrange(10**7)) for _ in close]))
    return columns


def random_text(draw: random.Random, table: list[Cells], separator: str) -> str:
    """Lines, with others around them and among them."""
    quoted = draw.random() < 0.25
    lines = []
    for cells in table:
        needs = [quoted or separator in cell or '"' in cell for cell in cells]
        lines.append(separator.join(f'"{cell}"' if need else cell for cell, need in zip(cells, needs, strict=True)))
    has_header = not any(map(str.isdigit, lines[0])) or "Unnamed" in lines[0]
    if has_header and draw.random() < 0.2:
        lines = (
            ["Price history", f"Source{separator}somewhere", "", *lines] if draw.random() < 0.5 else ["# ABC", *lines]
        )
    if has_header and draw.random() < 0.1:
        header = next(line for line in lines if line and not line.startswith(("#", "Price history", "Source")))
        lines.insert(draw.randrange(lines.index(header) + 1, len(lines)), header)
    if has_header and draw.random() < 0.1:
        lines.insert(draw.randrange(1, len(lines)), draw.choice(["", "Page 2 of 9", "---", "Source: somewhere"]))
    if draw.random() < 0.15:
        lines.append("Downloaded from somewhere")
    if draw.random() < 0.1:
        lines.insert(len(lines) - 2, lines[-3])
    ending = draw.choice(["\n", "\n", "\r\n"])
    return ending.join(lines) + (ending if draw.random() < 0.9 else "")
