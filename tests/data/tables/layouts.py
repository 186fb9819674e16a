"""One history in the layouts of many exporters: what each file holds, and the options that it needs."""

import dataclasses
import datetime
import gzip
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from forecaster.data.instruments import csv_instrument
from forecaster.data.series import PriceSeries
from forecaster.data.sources.base import Loaded, LoadRequest
from forecaster.data.sources.registry import get_source

TODAY = datetime.date(2026, 11, 20)

DAYS = tuple(
    day
    for day in (datetime.date(2023, 11, 27) + datetime.timedelta(days=number) for number in range(28))
    if day.weekday() < 5
)
"""Twenty weekdays over two months, so that days, months and years are told apart."""

CLOSE = (
    *(148.71, 147.46, 147.24, 148.18, 146.83, 147.19, 147.16, 147.33, 144.14, 144.93),
    *(146.15, 145.44, 142.87, 141.88, 142.15, 142.81, 143.83, 143.57, 142.10, 142.42),
)
OPEN = (148.95, *CLOSE[:-1])
HIGH = tuple(round(max(pair) + 0.37, 2) for pair in zip(OPEN, CLOSE, strict=True))
LOW = tuple(round(min(pair) - 0.41, 2) for pair in zip(OPEN, CLOSE, strict=True))
VOLUME = tuple(41_000 + 731 * number for number in range(len(CLOSE)))

ALL = ("open", "high", "low", "close", "volume")
RANGE = ("open", "high", "low", "close")


@dataclasses.dataclass(frozen=True)
class Layout:
    """A file, the options that it needs, and the columns that it holds."""

    content: str | bytes
    columns: Sequence[str] = ("close",)
    options: dict[str, str] = dataclasses.field(default_factory=dict)
    name: str = "prices.csv"
    days: Sequence[datetime.date] = DAYS
    scale: float = 1.0


def rows(form: str, *, newest_first: bool = False, scale: float = 1.0, comma: bool = False, digits: int = 2) -> str:
    """Lines in a format with the fields day, o, h, l, c, v."""

    def number(value: float) -> str:
        text = f"{value * scale:.{digits}f}"
        return text.replace(".", ",") if comma else text

    lines = [
        form.format(day=day, o=number(o), h=number(h), l=number(low), c=number(c), v=v)
        for day, o, h, low, c, v in zip(DAYS, OPEN, HIGH, LOW, CLOSE, VOLUME, strict=True)
    ]
    return "\n".join(reversed(lines) if newest_first else lines) + "\n"


def seconds(day: datetime.date, hour: int = 0) -> int:
    return int(datetime.datetime(day.year, day.month, day.day, hour, tzinfo=datetime.UTC).timestamp())


def each(line: Callable[[datetime.date, float, float, float, float, int], str]) -> str:
    return "\n".join(map(line, DAYS, OPEN, HIGH, LOW, CLOSE, VOLUME)) + "\n"


def grouped(value: float, thousands: str, decimal: str) -> str:
    """A number with two decimals and separators of its own."""
    return f"{value:,.2f}".replace(",", "T").replace(".", decimal).replace("T", thousands)


def zipped(*members: tuple[str, str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, text in members:
            archive.writestr(name, text)
    return stream.getvalue()


def answer(path: Path, content: str | bytes, **options: object) -> Loaded:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return get_source("csv").load(LoadRequest(csv_instrument(path), path.parent, TODAY, options))


def load(path: Path, content: str | bytes, **options: object) -> PriceSeries:
    return answer(path, content, **options).series


PLAIN = "Date,Close\n" + rows("{day},{c}")
OHLCV = rows("{day:%Y-%m-%d},{o},{h},{l},{c},{v}")
GERMAN_MONTHS = ("Jan", "Feb", "Mrz", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez")
FRENCH_MONTHS = ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.")
RUSSIAN_MONTHS = (
    *("января", "февраля", "марта", "апреля", "мая", "июня"),
    *("июля", "августа", "сентября", "октября", "ноября", "декабря"),
)


def investing(names: str, day: str, *, comma: bool) -> str:
    quoted = ",".join(f'"{name}"' for name in names.split("|"))
    change = '"-0,31%"' if comma else '"-0.31%"'
    volume = '"{v},5K"' if comma else '"{v}.5K"'
    body = rows(f'"{day}","{{c}}","{{o}}","{{h}}","{{l}}",{volume},{change}', newest_first=True, comma=comma)
    return "\ufeff" + quoted + "\n" + body


def hourly(hours: Sequence[int], day: str = "%Y-%m-%d", zone: str = "") -> str:
    """Bars of some hours a day; the last one closes at the price of the day."""
    lines = []
    for date, o, h, low, c in zip(DAYS, OPEN, HIGH, LOW, CLOSE, strict=True):
        for hour in hours:
            close = c if hour == hours[-1] else round((o + c) / 2, 2)
            lines.append(f"{date.strftime(day)} {hour:02}:00{zone},{o},{h},{low},{close}")
    return "datetime,open,high,low,close\n" + "\n".join(lines) + "\n"


LAYOUTS: dict[str, Layout] = {
    # Downloads of websites
    "Stooq": Layout("Date,Open,High,Low,Close,Volume\n" + OHLCV, ALL),
    "Stooq text": Layout(
        "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n"
        + rows("USDJPY,D,{day:%Y%m%d},000000,{o},{h},{l},{c},{v},0"),
        ALL,
    ),
    "Yahoo page": Layout(
        "Date\tOpen\tHigh\tLow\tClose Close price adjusted for splits.\tAdj Close Adjusted close price adjusted for "
        "splits and dividend and/or capital gain distributions.\tVolume\n"
        + rows("{day:%b %d, %Y}\t{o}\t{h}\t{l}\t{c}\t{c}\t{v:,}", newest_first=True).replace(
            "\nDec 15", "\nDec 15, 2023\t0.18 Dividend\nDec 15"
        ),
        ("open", "high", "low", "close", "adj_close", "volume"),
    ),
    "Yahoo page with stars": Layout(
        "Date,Open,High,Low,Close*,Adj Close**,Volume\n" + rows('"{day:%b %d, %Y}",{o},{h},{l},{c},{c},"{v:,}"'),
        ("open", "high", "low", "close", "adj_close", "volume"),
    ),
    "Yahoo page, French": Layout(
        "Date\tOuverture\tÉlevé\tFaible\tClôture Cours de clôture ajusté des fractionnements\t"
        "Clôture ajustée Cours de clôture ajusté des fractionnements et des dividendes\tVolume\n"
        + each(
            lambda day, o, h, low, c, v: (
                f"{day.day} {FRENCH_MONTHS[day.month - 1]} {day.year}\t{o}\t{h}\t{low}\t{c}\t1\t{v}"
            )
        ),
        RANGE,
    ),
    "yfinance": Layout(
        "Price,Close,High,Low,Open,Volume\nTicker,JPY=X,JPY=X,JPY=X,JPY=X,JPY=X\nDate,,,,,\n"
        + rows("{day},{c},{h},{l},{o},{v}"),
        ALL,
    ),
    "yfinance of one ticker": Layout(
        "Date,Open,High,Low,Close,Volume,Dividends,Stock Splits\n"
        + rows("{day} 00:00:00-05:00,{o},{h},{l},{c},{v},0.0,0.0"),
        ALL,
    ),
    "quantmod": Layout(
        '"","X.Open","X.High","X.Low","X.Close","X.Volume"\n' + rows('"{day}",{o},{h},{l},{c},{v}'),
        ("close",),
        {"price_column": "X.Close"},
    ),
    "R table without a name for the index": Layout('"Close"\n' + rows('"{day}" {c}')),
    "Nasdaq": Layout(
        "Date,Close/Last,Volume,Open,High,Low\n" + rows("{day:%m/%d/%Y},${c},{v},${o},${h},${l}", newest_first=True),
        ALL,
    ),
    "Wall Street Journal": Layout(
        "Date, Open, High, Low, Close\n" + rows("{day:%m/%d/%y}, {o}, {h}, {l}, {c}", newest_first=True), RANGE
    ),
    "Google Finance": Layout("Date,Close\n" + rows("{day.month}/{day.day}/{day.year} 16:00:00,{c}")),
    "Barchart, futures": Layout(
        "Time,Open,High,Low,Latest,Change,%Change,Volume,Open Int\n"
        + rows('{day},{o},{h},{l},{c},0.31,"+0.21%",{v},7', newest_first=True),
        ALL,
    ),
    "Barchart": Layout(
        "Time,Open,High,Low,Last,Change,%Chg,Volume\n"
        + rows("{day:%m/%d/%Y},{o},{h},{l},{c},0.31,+0.21%,{v}", newest_first=True)
        + '"Downloaded from Somewhere as of 12-22-2023 05:00pm CST"\n',
        ALL,
    ),
    **{
        f"names of prices, {names}": Layout(
            "\t".join(names.split("|")) + "\n" + rows("{day}\t{o}\t{h}\t{l}\t{c}\t{v}"), ALL
        )
        for names in (
            "Data|Kurs otwarcia|Kurs maksymalny|Kurs minimalny|Kurs zamknięcia|Wolumen",
            "Data do pregão|Preço de abertura|Preço máximo|Preço mínimo|Preço de fechamento|Quantidade",
            "Datum|Openingskoers|Hoogste koers|Laagste koers|Slotkoers|Omzet",
            "Päivämäärä|Avauskurssi|Ylin kurssi|Alin kurssi|Päätöskurssi|Vaihto",
            "Tarih|Açılış Fiyatı|En Yüksek Fiyat|En Düşük Fiyat|Kapanış Fiyatı|İşlem Hacmi",
            "Ngày|Giá mở cửa|Giá cao nhất|Giá thấp nhất|Giá đóng cửa|Khối lượng",
            "Session Date|Session Open|Session High|Session Low|Session Close|Session Volume",
        )
    },
    "Investing, English": Layout(
        investing("Date|Price|Open|High|Low|Vol.|Change %", "{day:%m/%d/%Y}", comma=False), ALL
    ),
    "Investing, German": Layout(
        investing("Datum|Zuletzt|Eröffn.|Hoch|Tief|Vol.|+/- %", "{day:%d.%m.%Y}", comma=True), ALL
    ),
    "Investing, French": Layout(
        investing("Date|Dernier|Ouv.|Plus Haut|Plus Bas|Vol.|Variation %", "{day:%d/%m/%Y}", comma=True), ALL
    ),
    "Investing, Spanish": Layout(
        investing("Fecha|Último|Apertura|Máximo|Mínimo|Vol.|% var.", "{day:%d.%m.%Y}", comma=True), ALL
    ),
    "Investing, Italian": Layout(
        investing("Data|Ultimo|Apertura|Massimo|Minimo|Vol.|Var. %", "{day:%d.%m.%Y}", comma=True), ALL
    ),
    "Investing, Portuguese": Layout(
        investing("Data|Último|Abertura|Máxima|Mínima|Vol.|Var%", "{day:%d.%m.%Y}", comma=True), ALL
    ),
    "Investing, Dutch": Layout(
        investing("Datum|Laatste|Open|Hoog|Laag|Vol.|Verschil %", "{day:%d-%m-%Y}", comma=True), ALL
    ),
    "Investing, Polish": Layout(
        investing("Data|Ostatnio|Otwarcie|Max.|Min.|Wol.|Zmiana %", "{day:%d.%m.%Y}", comma=True), RANGE
    ),
    "Investing, Russian": Layout(
        investing("Дата|Цена|Откр.|Макс.|Мин.|Объём|Изм. %", "{day:%d.%m.%Y}", comma=True), ALL
    ),
    "Investing, Turkish": Layout(
        investing("Tarih|Şimdi|Açılış|Yüksek|Düşük|Hac.|Fark %", "{day:%d.%m.%Y}", comma=True), RANGE
    ),
    "Investing, Swedish": Layout(
        investing("Datum|Senaste|Öppning|Högst|Lägst|Vol.|+/- %", "{day:%Y-%m-%d}", comma=True), ALL
    ),
    "Investing, Japanese": Layout(
        investing("日付け|終値|始値|高値|安値|出来高|変化率 %", "{day:%Y年%m月%d日}", comma=False), ALL
    ),
    "Investing, Danish": Layout(
        investing("Dato|Sidste|Åbning|Høj|Lav|Vol.|Ændring %", "{day:%d.%m.%Y}", comma=True), ALL
    ),
    "Investing, Chinese": Layout(
        investing("日期|收盘|开盘|高|低|交易量|涨跌幅", "{day:%Y-%m-%d}", comma=False), ("open", "close", "volume")
    ),
    "Investing, Korean": Layout(
        investing("날짜|종가|오픈|고가|저가|거래량|변동 %", "{day:%Y- %m- %d}", comma=False),
        ("high", "low", "close", "volume"),
    ),
    "TradingView": Layout(
        "time,open,high,low,close,Volume\n"
        + each(lambda day, o, h, low, c, v: f"{seconds(day, 14)},{o},{h},{low},{c},{v}"),
        ALL,
    ),
    "TradingView with indicators": Layout(
        "time,open,high,low,close,MA,RSI,Volume\n"
        + each(lambda day, o, h, low, c, v: f"{day}T14:30:00Z,{o},{h},{low},{c},147.1,55.2,{v}"),
        ALL,
    ),
    # Trading programs
    "MT4": Layout(rows("{day:%Y.%m.%d},00:00,{o},{h},{l},{c},{v}"), ALL),
    "MT4, with its separator": Layout("sep=;\n" + rows("{day:%Y.%m.%d};00:00;{o};{h};{l};{c};{v}"), ALL),
    "separators behind all lines, and numbers of the rows without a name": Layout(
        "Date,Close,Open,High,Low,\n" + each(lambda day, o, h, low, c, v: f"{v},{day},{c},{o},{h},{low},"), RANGE
    ),
    "separators behind the rows alone, times beside blanks": Layout(
        "Time (UTC),Open,High,Low,Close,Volume\n" + rows("{day:%Y.%m.%d} 00:00:00,{o},{h},{l},{c},{v},"), RANGE
    ),
    "numbers of the rows without a name": Layout("end_of_day,Close\n" + rows("{v},{day},{c}")),
    "a note before a table of R": Layout('Last updated 2023-12-27\n"Date" "Close"\n' + rows('"{v}" {day} {c}')),
    "separators behind the rows alone": Layout("When,Close,Open,High,Low\n" + rows("{day},{c},{o},{h},{l},"), RANGE),
    "MT5": Layout(
        "<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
        + rows("{day:%Y.%m.%d}\t{o}\t{h}\t{l}\t{c}\t{v}\t0\t13"),
        RANGE,
    ),
    "HistData": Layout(rows("{day:%Y%m%d} 170000;{o};{h};{l};{c};{v}"), ALL),
    "Dukascopy": Layout(
        "Gmt time,Open,High,Low,Close,Volume\n" + rows("{day:%d.%m.%Y} 00:00:00.000,{o},{h},{l},{c},{v}.25"), RANGE
    ),
    "NinjaTrader": Layout(rows("{day:%Y%m%d};{o};{h};{l};{c};{v}"), ALL),
    "Binance klines": Layout(
        "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,ignore\n"
        + each(
            lambda day, o, h, low, c, v: (
                f"{seconds(day)}000,{o},{h},{low},{c},{v},{seconds(day) + 86_399}999,99,7,1.5,0"
            )
        ),
        ALL,
    ),
    "Binance without a header, in microseconds": Layout(
        each(
            lambda day, o, h, low, c, v: (
                f"{seconds(day)}000000,{o},{h},{low},{c},{v},{seconds(day) + 86_399}999999,99.5,7,1.5,2.5,0"
            )
        ),
        RANGE,
    ),
    "CryptoDataDownload": Layout(
        "https://www.example.org\nunix,date,symbol,open,high,low,close,Volume JPY,Volume USD\n"
        + each(lambda day, o, h, low, c, v: f"{seconds(day)},{day} 00:00:00,USD/JPY,{o},{h},{low},{c},{v},{v * 2}"),
        ("open", "high", "low", "close"),
    ),
    "Kraken": Layout(each(lambda day, o, h, low, c, v: f"{seconds(day)},{o},{h},{low},{c},{v},12"), RANGE),
    "Coinbase": Layout(
        "time,low,high,open,close,volume\n"
        + each(lambda day, o, h, low, c, v: f"{seconds(day)},{low},{h},{o},{c},{v}"),
        ALL,
    ),
    "CoinMarketCap": Layout(
        "timeOpen;timeClose;timeHigh;timeLow;name;open;high;low;close;volume;marketCap;timestamp\n"
        + rows(
            '"{day}T00:00:00.000Z";"{day}T23:59:59.999Z";"{day}T01:00:00.000Z";"{day}T05:00:00.000Z";"2781";'
            '{o};{h};{l};{c};{v};5;"{day}T23:59:59.999Z"'
        ),
        ALL,
    ),
    "Euronext": Layout(
        '"Historical Data"\n"From 2023-11-27 to 2023-12-22"\nFR0000120271\n'
        'Date;Open;High;Low;Last;Close;"Number of Shares";"Number of Trades";Turnover;vwap\n'
        + rows("{day:%d/%m/%Y};{o};{h};{l};{c};{c};{v};12;99;1.5"),
        RANGE,
    ),
    "Nasdaq Nordic": Layout(
        "sep=;\nDate;Bid;Ask;Opening price;High price;Low price;Closing price;Average price;Total volume;Turnover;\n"
        + rows("{day};1,5;1,6;{o};{h};{l};{c};1,55;{v};99;", comma=True),
        ALL,
    ),
    "Bank of Canada": Layout(
        '"TERMS AND CONDITIONS"\n"https://www.example.org"\n\n"SERIES"\n"id","label","description"\n'
        '"FXUSDJPY","USD/JPY","Daily rate"\n\n"OBSERVATIONS"\n"date","FXUSDJPY"\n' + rows('"{day}","{c}"')
    ),
    "Korea Exchange": Layout(
        (
            "일자,종가,대비,등락률,시가,고가,저가,거래량,거래대금\n"
            + each(
                lambda day, o, h, low, c, v: (
                    f'{day:%Y/%m/%d},"{c * 100:,.0f}",-50,-0.3,"{o * 100:,.0f}","{h * 100:,.0f}","{low * 100:,.0f}",{v},9'
                )
            )
        ).encode("cp949"),
        scale=100,
    ),
    # Terminals
    "Refinitiv": Layout(
        "Exchange Date,Close,Net,%Chg,Open,Low,High,Volume\n"
        + rows("{day:%d-%b-%Y},{c},-0.31,-0.21%,{o},{l},{h},{v}", newest_first=True),
        ALL,
    ),
    "Bloomberg": Layout(
        "Security,USDJPY Curncy\nStart Date,11/27/2023\nPeriod,D\n\nDate,PX_LAST,PX_OPEN,PX_HIGH,PX_LOW\n"
        + rows("{day.month}/{day.day}/{day.year},{c},{o},{h},{l}"),
        RANGE,
    ),
    "Datastream": Layout("Code,JAPAYE$\nName,JAPANESE YEN TO US $\n" + rows("{day:%d/%m/%Y},{c}")),
    "FactSet": Layout(
        "USD/JPY\nPrice History\n\nDate,Price,Open,High,Low\n" + rows("{day:%d %b %Y},{c},{o},{h},{l}"), RANGE
    ),
    # Central banks
    "FRED": Layout("observation_date,DEXJPUS\n" + rows("{day},{c}") + "2023-12-25,\n"),
    "FRED, older": Layout("DATE,DEXJPUS\n" + rows("{day},{c}") + "2023-12-25,.\n"),
    "Board of Governors": Layout(
        '"Series Description","SPOT EXCHANGE RATE - JAPAN"\n"Unit:","Currency:_Per_USD"\n"Multiplier:","1"\n'
        '"Currency:","JPY"\n"Unique Identifier: ","H10/H10/RXI_N.B.JA"\n"Time Period","RXI_N.B.JA"\n'
        + rows("{day},{c}")
        + "2023-12-25,ND\n"
    ),
    "ECB data portal": Layout(
        '"DATE","TIME PERIOD","Japanese yen/Euro (EXR.D.JPY.EUR.SP00.A)"\n' + rows('"{day}","{day:%d %b %Y}","{c}"')
    ),
    "BIS, codes with their labels": Layout(
        "STRUCTURE,FREQ:Frequency,CURRENCY:Currency,TIME_PERIOD:Time period or range,OBS_VALUE:Observation Value\n"
        + rows("dataflow,D: Daily,JPY: Yen,{day},{c}")
    ),
    "ECB, SDMX": Layout(
        "KEY,FREQ,CURRENCY,CURRENCY_DENOM,EXR_TYPE,EXR_SUFFIX,TIME_PERIOD,OBS_VALUE,OBS_STATUS,DECIMALS,UNIT_MULT\n"
        + rows("EXR.D.JPY.EUR.SP00.A,D,JPY,EUR,SP00,A,{day},{c},A,2,0")
    ),
    "Bank of England": Layout("DATE,XUDLJYD\n" + rows("{day:%d %b %Y},{c}")),
    "Bank of England, short years": Layout("Date,XUDLJYD\n" + rows("{day:%d %b %y},{c}", newest_first=True)),
    "Swiss National Bank": Layout(
        '"CubeId";"devkud"\n"PublishingDate";"2023-12-27 09:00"\n\n"Date";"D0";"Value"\n'
        + rows('"{day}";"JPY100";"{c}"')
    ),
    "Bank of Japan": Layout(
        (
            "系列コード,FM08'FXERD04\n系列名称,東京市場　ドル・円　スポット　17時時点\n" + rows("{day:%Y/%m/%d},{c}")
        ).encode("cp932")
    ),
    "Reserve Bank of Australia": Layout(
        "F11.1  EXCHANGE RATES,\nTitle,A$1=JPY\nDescription,AUD/JPY Exchange Rate\nFrequency,Daily\nType,Indicative\n"
        "Units,JPY\n,\n,\nSource,RBA\nPublication date,29-Dec-2023\nSeries ID,FXRJY\n" + rows("{day:%d-%b-%Y},{c}")
    ),
    "Australian Bureau of Statistics": Layout(
        "Series Type,Original\nFrequency,Month\nSeries ID,A2325846C\n" + rows("{day:%d-%b-%Y},{c}")
    ),
    "Bundesbank": Layout(
        '"";BBEX3.D.JPY.EUR.BB.AC.000;BBEX3.D.JPY.EUR.BB.AC.000_FLAGS\n"";Euro-Referenzkurs der EZB;\nEinheit;JPY;\n'
        "Dimension;Eins;\nStand vom;29.12.2023 16:20:03;\n"
        + rows("{day};{c};", comma=True)
        + "2023-12-25;.;Kein Wert vorhanden\n"
    ),
    "Norges Bank": Layout(
        "FREQ;Frequency;BASE_CUR;Base Currency;QUOTE_CUR;Quote Currency;TENOR;DECIMALS;UNIT_MULT;TIME_PERIOD;OBS_VALUE\n"
        + rows("B;Business;JPY;Japanese yen;NOK;Norwegian krone;SP;4;2;{day};{c}", comma=True)
    ),
    "Riksbank, with a label": Layout("Period;Serie;Medelvärde\n" + rows("{day};1 USD;{c}", comma=True)),
    "rates in words": Layout("Date\tRate\n" + rows("{day:%A} {day.day} {day:%B %Y}\t1 USD = {c} JPY")),
    "no header, decimal commas": Layout(rows("{day:%d/%m/%Y};{o};{h};{l};{c};{v}", comma=True), ALL),
    "Riksbank": Layout("Datum;SEKJPYPMI\n" + rows("{day};{c}", comma=True)),
    "Banxico": Layout(
        "Banco de México\n\nTipos de cambio\n\nTítulo,Tipo de cambio\nUnidad,Pesos\n\nFecha,SF43718\n"
        + rows("{day:%d/%m/%Y},{c}")
    ),
    # Exchanges
    "NSE": Layout(
        "Date ,series ,OPEN ,HIGH ,LOW ,PREV. CLOSE ,ltp ,close ,vwap ,VOLUME ,VALUE ,No of trades \n"
        + each(
            lambda day, o, h, low, c, v: (
                f'{day:%d-%b-%Y},EQ,"{o * 300:,.2f}","{h * 300:,.2f}","{low * 300:,.2f}","1.00","2.00",'
                f'"{c * 300:,.2f}","3.00","{v:,}","5,00,000.00","7"'
            )
        ),
        ("close",),
        scale=300,
    ),
    "Taiwan": Layout(
        "日期,成交股數,成交金額,開盤價,最高價,最低價,收盤價,漲跌價差,成交筆數\n"
        + each(
            lambda day, o, h, low, c, v: (
                f'{day.year - 1911}/{day:%m/%d},"{v:,}","9,999,999",{o:.2f},{h:.2f},{low:.2f},{c:.2f},-1.25,"12,345"'
            )
        ),
        ALL,
    ),
    "Taiwan, compact": Layout(
        "資料日期,收盤價\n" + each(lambda day, o, h, low, c, v: f"{day.year - 1911}{day:%m%d},{c}"),
        options={"date_column": "資料日期"},
    ),
    "Tushare": Layout(
        "ts_code,trade_date,open,high,low,close,pre_close,change,pct_chg,vol,amount\n"
        + rows("000001.SZ,{day:%Y%m%d},{o},{h},{l},{c},1.00,-0.1,-0.2,{v},7.5", newest_first=True),
        ALL,
    ),
    "Taiwan, before 2011": Layout(
        '"99年12月 2330 各日成交資訊"\n"日期","成交股數","收盤價",\n'
        + each(lambda day, o, h, low, c, v: f'" {day.year - 1924}/{day:%m/%d}","{v:,}","{c:.2f}",')
        + '"說明:"\n',
        days=[day.replace(year=day.year - 13) for day in DAYS],
    ),
    "Moscow, pages": Layout(
        "history\n\nTRADEDATE;SECID;VALUE;OPEN;LOW;HIGH;LEGALCLOSEPRICE;CLOSE;VOLUME\n"
        + rows("{day};SBER;99.5;{o};{l};{h};1.5;{c};{v}")
        + "\nhistory.cursor\n\nINDEX;TOTAL;PAGESIZE\n0;30;100\n",
        ALL,
    ),
    "Chinese software, weekday behind a comma": Layout(
        (
            "时间\t开盘\t最高\t最低\t收盘\t总手\t金额\n"
            + each(
                lambda day, o, h, low, c, v: (
                    f"{day},{'一二三四五六日'[day.weekday()]}\t{o}\t{h}\t{low}\t{c}\t{v:,}\t{v * 8:,}"
                )
            )
        ).encode("gbk"),
        ALL,
    ),
    "Chinese software, GBK": Layout(
        ("日期,开盘,最高,最低,收盘,成交量\n" + rows("{day:%Y/%m/%d},{o},{h},{l},{c},{v}")).encode("gbk"), ALL
    ),
    "Moscow": Layout(
        "<TICKER>;<PER>;<DATE>;<TIME>;<OPEN>;<HIGH>;<LOW>;<CLOSE>;<VOL>\n"
        + rows("USD;D;{day:%d/%m/%y};00:00;{o};{h};{l};{c};{v}"),
        ALL,
    ),
    "Onvista": Layout(
        "Datum;Eröffnung;Hoch;Tief;Schluss;Volumen\n" + rows("{day:%d.%m.%Y};{o};{h};{l};{c};{v}", comma=True), ALL
    ),
    "Ariva": Layout(
        "Datum;Erster;Hoch;Tief;Schlusskurs;Stuecke;Volumen\n\n".encode("latin-1")
        + each(
            lambda day, o, h, low, c, v: ";".join(
                [str(day), *(f"{x:.2f}".replace(".", ",") for x in (o, h, low, c)), f"{v:,}".replace(",", "."), ""]
            )
        ).encode(),
        RANGE,
    ),
    "German, Latin-1": Layout(
        ("Datum;Eröffnung;Höchst;Tiefst;Schluß\n" + rows("{day:%d.%m.%Y};{o};{h};{l};{c}", comma=True)).encode(
            "latin-1"
        ),
        RANGE,
    ),
    # Spreadsheets and programs
    "Excel, German": Layout(
        "\ufeffDatum;Kurs\n" + each(lambda day, o, h, low, c, v: f"{day:%d.%m.%Y};{grouped(c * 100, '.', ',')}"),
        scale=100,
    ),
    "Excel, Swiss": Layout(
        "Date;Close\n" + each(lambda day, o, h, low, c, v: f"{day:%d.%m.%Y};{grouped(c * 100, '’', '.')}"), scale=100
    ),
    "Excel, French": Layout(
        "Date;Clôture\n" + each(lambda day, o, h, low, c, v: f"{day:%d/%m/%Y};{grouped(c * 100, chr(0x202F), ',')}"),
        scale=100,
    ),
    "Excel, British": Layout(
        "Date,Close\n" + each(lambda day, o, h, low, c, v: f'{day:%d-%b-%y},"£{c * 100:,.2f}"'), scale=100
    ),
    "Excel, with a declared separator": Layout("sep=;\nDate;Close\n" + rows("{day};{c}")),
    "Excel, numbers of days": Layout(
        "date,close\n" + each(lambda day, o, h, low, c, v: f"{(day - datetime.date(1899, 12, 30)).days},{c}")
    ),
    "Excel, formulas": Layout(
        "Date,Close\n" + each(lambda day, o, h, low, c, v: f'="{day}",="{c * 100:,.2f}"'), scale=100
    ),
    "Excel, formulas in quotes": Layout("Date,Close\n" + rows('"=""{day}""","=""{c}"""')),
    "Excel, numbers as text": Layout("Date;Close\n" + rows("'{day};'{c}")),
    "texts in single quotes": Layout("'Date','Close'\n" + rows("'{day}','{c}'")),
    "Excel, UTF-16": Layout(("Date\tClose\n" + rows("{day}\t{c}")).encode("utf-16")),
    "pandas": Layout(",Open,High,Low,Close,Volume\n" + OHLCV, ALL),
    "pandas, with numbered rows": Layout(
        ",Date,Close\n" + "".join(f"{number},{line}\n" for number, line in enumerate(rows("{day},{c}").splitlines()))
    ),
    "pandas, two levels": Layout("Date,\"('Close', 'JPY=X')\"\n" + rows("{day},{c}")),
    "pipes, decimal commas": Layout("Datum|kurz\n" + rows("{day:%d.%m.%Y}|{c}", comma=True, digits=3)),
    "weekdays in Korean": Layout("날짜,종가\n" + rows("{day.year}년 {day.month}월 {day.day}일 화요일,{c}")),
    "the word for year in Bulgarian": Layout(
        "Дата;Цена\n" + rows("{day.day}.{day.month}.{day.year} г.;{c}", comma=True)
    ),
    "pipes": Layout("date|close\n" + rows("{day}|{c}")),
    "blanks": Layout("DATE VALUE\n" + rows("{day} {c}")),
    "wide blanks": Layout("date            close\n" + rows("{day}      {c}")),
    "time in a column": Layout("Date,Time,Price\n" + rows("{day},16:00:00,{c}")),
    "comments": Layout("# Source: somewhere\n# Unit: JPY\ndate,close\n" + rows("{day},{c}") + "# end\n"),
    "repeated header": Layout("date,close\n" + rows("{day},{c}").replace("\n2023-12-11", "\ndate,close\n2023-12-11")),
    "pages": Layout(
        "Page 1\ndate,close\n"
        + rows("{day},{c}").replace("\n2023-11-28", "\n-,-\nSource: a bank\nPage 2\ndate,close\n2023-11-28"),
    ),
    "pages of Excel's numbers": Layout(
        "date,close\n"
        + each(lambda day, o, h, low, c, v: f"{(day - datetime.date(1899, 12, 30)).days},{c}").replace(
            "\n45261", "\nPage 2,\ndate,close\n45261"
        ),
    ),
    "number of rows below": Layout(PLAIN + f"{len(DAYS)}\n"),
    "zero bytes of an interrupted write": Layout(PLAIN + "\0" * 64),
    "lines in quotation marks": Layout(
        '"Date,Name,Close"\n' + rows('"{day},""A, B"",{c}"') + "Source: a bank\n",
    ),
    "names of months between blanks": Layout("Date           Adj Close\n" + rows("{day:%b %d, %Y}   {c}")),
    "a printed series": Layout("Date\n" + rows("{day}    {c}") + "Name: Close, dtype: float64\n"),
    "R table with row numbers": Layout('"Date" "Close"\n' + rows('"{v}" "{day}" {c}')),
    "CoinGecko, with the price of now": Layout(
        json.dumps(
            {
                "prices": [
                    *([seconds(day) * 1000, c] for day, c in zip(DAYS, CLOSE, strict=True)),
                    [seconds(DAYS[-1]) * 1000 + 50_123_456, 1.5],
                ]
            }
        )
    ),
    "midnight of Tokyo in UTC, with the price of now": Layout(
        "time,close\n"
        + each(lambda day, o, h, low, c, v: f"{day - datetime.timedelta(days=1)}T15:00:00+00:00,{c}").replace(
            "2023-12-21T15:00:00+00:00,142.42", "2023-12-22T05:12:07+00:00,142.42"
        ),
        options={"timezone": "Asia/Tokyo"},
    ),
    "midnight of Berlin in UTC, with the price of now": Layout(
        "time,close\n"
        + each(lambda day, o, h, low, c, v: f"{day - datetime.timedelta(days=1)}T23:00:00+00:00,{c}").replace(
            "2023-12-21T23:00:00+00:00,142.42", "2023-12-22T09:12:07+00:00,142.42"
        ),
    ),
    "seconds beside a volume like a date": Layout(
        "close,time,volume\n"
        + each(lambda day, o, h, low, c, v: f"{c},{seconds(day)},{v * 1000 - 20_000_000}20240131").replace(
            "20240131\n", "\n", len(DAYS) - 1
        )
    ),
    "last row twice": Layout(PLAIN + PLAIN.splitlines()[-1] + "\n"),
    "weekday first": Layout("Date,Close\n" + rows('"{day:%A, %B %d, %Y}",{c}')),
    "weekday in a JavaScript date": Layout("Date,Close\n" + rows("{day:%a %b %d %Y} 00:00:00 GMT+0000,{c}")),
    "months in German": Layout(
        "Datum;Kurs\n"
        + each(
            lambda day, o, h, low, c, v: f"{day.day}. {GERMAN_MONTHS[day.month - 1]} {day.year};{c}".replace(
                ".", ".", 1
            )
        )
    ),
    "months in French": Layout(
        "Date;Cours\n" + each(lambda day, o, h, low, c, v: f"{day.day} {FRENCH_MONTHS[day.month - 1]} {day.year};{c}")
    ),
    "months in Russian": Layout(
        "Дата;Цена\n"
        + each(lambda day, o, h, low, c, v: f"{day.day} {RUSSIAN_MONTHS[day.month - 1]} {day.year} г.;{c}")
    ),
    "months in Russian, Windows-1251": Layout(
        (
            "Дата;Цена\n"
            + each(lambda day, o, h, low, c, v: f"{day.day} {RUSSIAN_MONTHS[day.month - 1]} {day.year};{c}")
        ).encode("cp1251")
    ),
    "Reiwa years": Layout(
        "日付,終値\n" + each(lambda day, o, h, low, c, v: f"R{day.year - 2018}.{day.month}.{day.day},{c}")
    ),
    "wide digits": Layout(
        "日付,終値\n" + rows("{day:%Y/%m/%d},{c}").translate({ord(d): chr(ord(d) + 0xFEE0) for d in "0123456789"})
    ),
    "empty prices": Layout("date,close\n" + rows("{day},{c}") + "2023-12-25,#N/A N/A\n2023-12-26,ND\n"),
    "rand": Layout(
        "Date;Close\n" + each(lambda day, o, h, low, c, v: f"{day};R{grouped(c * 100, ' ', ',')}"), scale=100
    ),
    "a dash in place of decimals": Layout(
        "Datum;Kurs\n" + each(lambda day, o, h, low, c, v: f"{day};{grouped(c * 100, '.', ',')[:-3]},– EUR"), scale=100
    ),
    "currency behind": Layout("Date,Close\n" + rows("{day},{c} JPY")),
    "many columns": Layout(
        "date,close,open,high,low,volume,market_cap,vwap,change,pct_change\n"
        + rows("{day},{c},{o},{h},{l},{v},99,98,-0.1,0.2"),
        ALL,
    ),
    "Berlin midnight in UTC": Layout(
        "Date,Close\n" + each(lambda day, o, h, low, c, v: f"{day - datetime.timedelta(days=1)} 23:00:00+00:00,{c}")
    ),
    "Tokyo midnight in seconds": Layout(
        "time,close\n" + each(lambda day, o, h, low, c, v: f"{seconds(day) - 9 * 3600},{c}")
    ),
    "New York midnight, converted": Layout(
        "Date,Close\n" + rows("{day}T05:00:00Z,{c}"), options={"timezone": "America/New_York"}
    ),
    "hourly session": Layout(hourly(range(9, 17)), RANGE),
    "hourly session in UTC": Layout(hourly(range(14, 21), zone="+00:00"), RANGE),
    "around the clock with a close": Layout(hourly(range(24)), RANGE, {"daily_close": "00:00"}),
    # Packed files and other formats
    "gzip": Layout(gzip.compress(PLAIN.encode()), name="prices.csv.gz"),
    "zip": Layout(zipped(("prices.csv", PLAIN), ("__MACOSX/._prices.csv", "x")), name="prices.zip"),
    "zip with a note": Layout(zipped(("prices.csv", PLAIN), ("status.txt", "note")), name="prices.zip"),
    "JSON records": Layout(
        json.dumps([{"date": str(day), "close": c} for day, c in zip(DAYS, CLOSE, strict=True)]), name="prices.json"
    ),
    "JSON lines": Layout(
        "\n".join(json.dumps({"t": str(day), "c": c}) for day, c in zip(DAYS, CLOSE, strict=True)), name="prices.jsonl"
    ),
    "JSON columns": Layout(
        json.dumps({"date": [str(day) for day in DAYS], "close": CLOSE, "volume": VOLUME}), ("close", "volume")
    ),
    "JSON of pandas": Layout(
        json.dumps({"Close": {f"{seconds(day)}000": c for day, c in zip(DAYS, CLOSE, strict=True)}})
    ),
    "JSON, split": Layout(
        json.dumps({"columns": ["Close"], "index": [str(day) for day in DAYS], "data": [[c] for c in CLOSE]})
    ),
    "JSON, a series split": Layout(
        json.dumps({"name": "Close", "index": [str(day) for day in DAYS], "data": [c * 300 for c in CLOSE]}), scale=300
    ),
    "JSON, a table with its schema": Layout(
        json.dumps(
            {
                "schema": {"fields": [{"name": f"column {number}", "type": "string"} for number in range(20)]},
                "data": [{"Date": str(day), "Close": c} for day, c in zip(DAYS, CLOSE, strict=True)],
            }
        )
    ),
    "JSON, lists in rows": Layout(
        json.dumps([{"locked": 0, "d": str(day), "v": [c, 1, 2]} for day, c in zip(DAYS, CLOSE, strict=True)]),
        options={"price_column": "v 1"},
    ),
    "JSON, rows by number": Layout(
        json.dumps({row: {"Date": str(day), "Close": c} for row, (day, c) in enumerate(zip(DAYS, CLOSE, strict=True))})
    ),
    "Alpha Vantage": Layout(
        json.dumps(
            {
                "Meta Data": {"1. Information": "Daily Prices", "2. Symbol": "X", "3. Last Refreshed": "2023-12-22"},
                "Time Series (Daily)": {
                    str(day): {
                        "1. open": f"{o}",
                        "2. high": f"{h}",
                        "3. low": f"{low}",
                        "4. close": f"{c}",
                        "5. volume": f"{v}",
                    }
                    for day, o, h, low, c, v in reversed(list(zip(DAYS, OPEN, HIGH, LOW, CLOSE, VOLUME, strict=True)))
                },
            }
        ),
        ALL,
    ),
    "Polygon": Layout(
        json.dumps(
            {
                "ticker": "X",
                "resultsCount": len(DAYS),
                "results": [
                    {"v": v, "o": o, "c": c, "h": h, "l": low, "t": seconds(day, 5) * 1000, "n": 7}
                    for day, o, h, low, c, v in zip(DAYS, OPEN, HIGH, LOW, CLOSE, VOLUME, strict=True)
                ],
            }
        ),
        ALL,
    ),
    "chart of Yahoo": Layout(
        json.dumps(
            {
                "chart": {
                    "result": [
                        {
                            "meta": {"symbol": "X", "gmtoffset": -18_000},
                            "timestamp": [seconds(day, 14) for day in DAYS],
                            "indicators": {
                                "quote": [{"open": OPEN, "high": HIGH, "low": LOW, "close": CLOSE, "volume": VOLUME}],
                                "adjclose": [{"adjclose": CLOSE}],
                            },
                        }
                    ]
                }
            }
        ),
        ("open", "high", "low", "close", "adj_close", "volume"),
    ),
    "OANDA": Layout(
        json.dumps(
            {
                "instrument": "USD_JPY",
                "candles": [
                    {
                        "volume": v,
                        "time": f"{day - datetime.timedelta(days=1)}T22:00:00.000000000Z",
                        "mid": {"o": f"{o}", "h": f"{h}", "l": f"{low}", "c": f"{c}"},
                    }
                    for day, o, h, low, c, v in zip(DAYS, OPEN, HIGH, LOW, CLOSE, VOLUME, strict=True)
                ],
            }
        ),
        ALL,
    ),
    "FRED, JSON": Layout(
        json.dumps(
            {
                "count": len(DAYS),
                "observations": [
                    {"realtime_start": "2024-01-01", "realtime_end": "2024-01-01", "date": f"{day}", "value": f"{c}"}
                    for day, c in zip(DAYS, CLOSE, strict=True)
                ],
            }
        )
    ),
    "bid prices alone": Layout("Date,BidOpen,BidHigh,BidLow,BidClose\n" + rows("{day},{o},{h},{l},{c}"), RANGE),
    "Tiingo": Layout(
        "date,close,high,low,open,volume,adjClose,adjHigh,adjLow,adjOpen,adjVolume,divCash,splitFactor\n"
        + rows("{day},{c},{h},{l},{o},{v},1,1.1,0.9,1,{v},0.0,1.0"),
        RANGE,
    ),
    "Finnhub": Layout(
        json.dumps({"c": CLOSE, "h": HIGH, "l": LOW, "o": OPEN, "s": "ok", "t": list(map(seconds, DAYS)), "v": VOLUME}),
        ALL,
    ),
    "names beside the rows": Layout(
        json.dumps(
            {
                "dataset": {
                    "name": "X",
                    "column_names": ["Date", "Open", "High", "Low", "Last", "Close"],
                    "data": [
                        [str(day), o, h, low, low, c]
                        for day, o, h, low, c in zip(DAYS, OPEN, HIGH, LOW, CLOSE, strict=True)
                    ],
                }
            }
        ),
        RANGE,
    ),
    "objects of names beside the rows": Layout(
        json.dumps(
            {
                "columns": [{"name": "ticker", "type": "String"}, {"name": "date", "type": "Date"}, {"name": "close"}],
                "data": [["X", str(day), c] for day, c in zip(DAYS, CLOSE, strict=True)],
            }
        )
    ),
    "JSON of pandas, numbered rows": Layout(
        json.dumps(
            {
                "Date": {str(row): seconds(day) * 1000 for row, day in enumerate(DAYS)},
                "Close": {str(row): c for row, c in enumerate(CLOSE)},
            }
        )
    ),
    "CoinGecko": Layout(
        json.dumps(
            {
                name: [[seconds(day) * 1000, c * factor] for day, c in zip(DAYS, CLOSE, strict=True)]
                for name, factor in {"prices": 1, "market_caps": 1e6, "total_volumes": 1e3}.items()
            }
        )
    ),
    "milliseconds and later microseconds": Layout(
        each(
            lambda day, o, h, low, c, v: (
                f"{seconds(day) * (1000 if day < datetime.date(2023, 12, 1) else 1_000_000)},{o},{h},{low},{c},{v}"
            )
        ),
        ALL,
    ),
    "Frankfurter": Layout(
        json.dumps({"base": "USD", "rates": {str(day): {"JPY": c} for day, c in zip(DAYS, CLOSE, strict=True)}})
    ),
    "Binance, JSON": Layout(
        json.dumps(
            [
                [
                    seconds(day) * 1000,
                    str(o),
                    str(h),
                    str(low),
                    str(c),
                    str(v),
                    seconds(day) * 1000 + 86_399_999,
                    "9",
                    3,
                    "1",
                    "2",
                    "0",
                ]
                for day, o, h, low, c, v in zip(DAYS, OPEN, HIGH, LOW, CLOSE, VOLUME, strict=True)
            ]
        ),
        RANGE,
    ),
    # Files of several series
    "long": Layout(
        "date,symbol,close\n" + each(lambda day, o, h, low, c, v: f"{day},AAA,{c}\n{day},BBB,{c * 3}"),
        options={"symbol": "aaa"},
    ),
    "names merged over their columns": Layout(
        ",AAA,,BBB,\nDate,Open,Close,Open,Close\n" + rows("{day},1,2,{o},{c}"),
        ("open", "close"),
        {"symbol": "BBB"},
    ),
    "fields merged over their columns": Layout(
        ",Close,,Open,\n,AAA,BBB,AAA,BBB\n" + rows("{day},1,{c},2,{o}"), ("open", "close"), {"symbol": "BBB"}
    ),
    "symbols behind the names of several series": Layout(
        "Date,Open_AAA,Close_AAA,Open_BBB,Close_BBB\n" + rows("{day},1,2,{o},{c}"),
        ("open", "close"),
        {"symbol": "BBB"},
    ),
    "long, a pair without its stroke": Layout(
        "pair,date,rate\n" + each(lambda day, o, h, low, c, v: f"EUR/USD,{day},1.1\nUSD/JPY,{day},{c}"),
        options={"symbol": "USDJPY"},
    ),
    "long, two currencies": Layout(
        "base,quote,date,rate\n" + each(lambda day, o, h, low, c, v: f"EUR,USD,{day},1.1\nUSD,JPY,{day},{c}"),
        options={"symbol": "USD,JPY"},
    ),
    "the second of two columns of one name": Layout(
        "Date,Close,Close\n" + rows("{day},1,{c}"), options={"price_column": "column 3"}
    ),
    "wide, a pair without its stroke": Layout(
        "Date,EUR/USD,USD/JPY\n" + rows("{day},1.08,{c}"), options={"symbol": "usdjpy"}
    ),
    "JSON by symbol": Layout(
        json.dumps(
            {
                symbol: {
                    "values": [{"datetime": str(day), "close": c * factor} for day, c in zip(DAYS, CLOSE, strict=True)]
                }
                for symbol, factor in (("AAA", 1), ("BRK.B", 3))
            }
        ),
        options={"symbol": "AAA"},
    ),
    "JSON by symbol, without names": Layout(
        json.dumps(
            {
                "result": {
                    symbol: [[seconds(day), c * factor] for day, c in zip(DAYS, CLOSE, strict=True)]
                    for symbol, factor in (("AAA", 1), ("BBB", 3))
                }
            }
        ),
        options={"symbol": "AAA"},
    ),
    "long, two keys": Layout(
        "Date;D0;D1;Value\n"
        + each(
            lambda day, o, h, low, c, v: f"{day};M0;JPY;{c}\n{day};M1;JPY;{c + 1}\n{day};M0;USD;{c + 2}\n{day};M1;USD;1"
        ),
        options={"symbol": "M0,JPY"},
    ),
    "year, month and day": Layout(
        "Year,Month,Day,Close\n" + each(lambda day, o, h, low, c, v: f"{day.year},{day.month},{day.day},{c}")
    ),
    "year, month and day in German": Layout(
        "Jahr;Monat;Tag;Kurs\n" + rows("{day.year};{day.month};{day.day};{c}", comma=True)
    ),
    "name of the month in a column": Layout("Year,Month,Day,Close\n" + rows("{day:%Y},{day:%b},{day.day},{c}")),
    "dates cut at their comma": Layout("Date,Close,Volume\n" + rows("{day:%b %d, %Y},{c},{v}"), ("close", "volume")),
    "dates cut behind their weekday": Layout("Date,Close\n" + rows("{day:%A, %B %d, %Y},{c}")),
    "an identifier of each row": Layout("id,date,close\n" + rows("x{v},{day},{c}")),
    "single letters": Layout("t,o,h,l,c,v\n" + OHLCV, ALL),
    "Markdown": Layout("| Date | Close |\n|------|-------|\n" + rows("| {day} | {c} |")),
    "symbol before the names": Layout(
        '"","X.Open","X.High","X.Low","X.Close","X.Adjusted"\n' + rows('"{day}",{o},{h},{l},{c},1.5'), RANGE
    ),
    "tables of one series side by side": Layout("Date,Close,Date,Volume\n" + rows("{day},{c},{day},{v}")),
    "closes stamped after midnight": Layout(
        "Date,Close\n" + each(lambda day, o, h, low, c, v: f"{day + datetime.timedelta(days=1)} 00:30:00+00:00,{c}")
    ),
    "wide": Layout("Date,USD,JPY,GBP\n" + rows("{day},1.08,{c},0.86"), options={"price_column": "JPY"}),
}
