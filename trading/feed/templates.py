"""The words of invented markets: long-running and short-lived questions of the six categories, filled in by chance.

``{day}`` and ``{time}`` are the planned end; other fields draw from ``FIELDS``, a digit asking for another one of the
same. The tags are the source's own words, which the category mapping understands.
"""

from dataclasses import dataclass

YES_NO = ("Yes", "No")


@dataclass(frozen=True, slots=True)
class Template:
    title: str
    tags: tuple[str, ...]
    labels: tuple[str, str] = YES_NO


FIELDS: dict[str, tuple[str, ...]] = {
    "club": (
        "Arsenal", "Benfica", "Feyenoord", "Lyon", "Sevilla", "Torino", "Celtic", "Ajax", "Porto", "Leeds United",
        "Real Betis", "Werder Bremen", "Club Brugge", "Lazio", "Monaco", "Aston Villa",
    ),
    "team": (
        "Boston", "Denver", "Milwaukee", "Sacramento", "Orlando", "Memphis", "Toronto", "Cleveland", "Portland",
        "San Antonio", "Indiana", "Phoenix",
    ),
    "side": ("NAVI", "Vitality", "G2", "FaZe", "Spirit", "Liquid", "MOUZ", "Heroic", "Fnatic", "Astralis"),
    "nation": (
        "Norway", "Portugal", "Japan", "Croatia", "Morocco", "Uruguay", "Denmark", "Senegal", "Austria", "Colombia",
        "South Korea", "Switzerland", "Scotland", "Ghana",
    ),
    "race": ("Monza", "Silverstone", "Suzuka", "Interlagos", "Spa", "Zandvoort"),
    "country": (
        "Sweden", "Chile", "the Netherlands", "Poland", "Canada", "Spain", "Ireland", "New Zealand", "Belgium",
        "Portugal", "Finland", "Greece", "Australia", "Slovenia",
    ),
    "bill": (
        "housing", "pension", "data protection", "electoral reform", "carbon tax", "defence spending", "school funding",
        "rail investment", "water", "farm subsidy",
    ),
    "city": ("Lisbon", "Rotterdam", "Glasgow", "Kraków", "Valparaíso", "Gothenburg", "Cork", "Bilbao", "Thessaloniki"),
    "accord": ("a fisheries", "a free trade", "an air services", "a defence", "a migration", "an energy"),
    "film": (
        "“The Salt Road”", "“Harbour Lights”", "“Nine Winters”", "“The Cartographer”", "“Paper Moons”", "“Last Ferry”",
        "“Small Hours”", "“The Understudy”",
    ),
    "singer": ("Ines Valdemar", "The Copper Kites", "Lowland", "Mara Quill", "Night Tram", "Otis Fairweather"),
    "prize": ("Best Picture", "Best Original Score", "Best Documentary", "Best Director", "Best Animated Feature"),
    "show": ("“Tidewater”", "“The Ledger”", "“Signal House”", "“Borderlands Radio”", "“Quiet Engines”"),
    "game": ("“Emberfall II”", "“Skyward Nomads”", "“Deep Station”", "“Iron Meridian”"),
    "coin": ("Bitcoin", "Ethereum", "Solana", "XRP", "Dogecoin", "Cardano"),
    "chain": ("Ethereum", "Solana", "Base", "Avalanche", "Arbitrum"),
    "mission": ("Europa lander", "lunar cargo", "Mars relay", "comet sample", "solar observatory", "asteroid survey"),
    "lab": ("An open-weights model", "A European model", "A university model", "A model under 30B parameters"),
    "place": ("London", "Seattle", "Ankara", "Seoul", "Buenos Aires", "Wellington", "Atlanta", "Toronto", "Nairobi"),
    "disease": ("measles", "dengue", "whooping cough", "avian influenza"),
    "firm": (
        "Northwind Rail", "Halcyon Foods", "Brightwater Energy", "Juniper Air", "Kestrel Software", "Atlas Cement",
        "Meridian Retail", "Polar Shipping",
    ),
    "bank": ("the Federal Reserve", "the ECB", "the Bank of England", "the Riksbank", "the Bank of Canada"),
    "index": ("the S&P 500", "the Nasdaq 100", "the Nikkei 225", "the DAX", "the FTSE 100"),
    "good": ("gold", "silver", "crude oil", "natural gas", "copper"),
    "few": ("2", "3", "4", "5", "6"),
    "dozens": ("24", "31", "36", "42", "48", "55"),
    "percent": ("3", "4", "5", "7", "10", "15"),
    "thousands": ("1,200", "2,500", "4,000", "6,000", "9,000"),
}  # fmt: skip

_SOCCER = ("sports", "games", "soccer")
_HOOPS = ("sports", "games", "basketball", "nba")
_VOTE = ("politics", "elections", "world-elections")
_STATE = ("politics", "world", "geopolitics")
_CRYPTO = ("crypto", "crypto-prices")
_WEATHER = ("weather", "science", "climate-science")
_MONEY = ("business", "finance", "economy")

LONG: dict[str, tuple[Template, ...]] = {
    "sports": (
        Template("Will {club} be top of the league table on {day}?", _SOCCER),
        Template("Will {nation} qualify for the knockout stage by {day}?", (*_SOCCER, "fifa-world-cup")),
        Template("Will {team} win {dozens} games by {day}?", _HOOPS),
        Template("Who finishes higher on {day}: {club} or {club2}?", _SOCCER, ("{club}", "{club2}")),
        Template("Will a rookie stand on the podium at {race} before {day}?", ("sports", "formula-1", "motorsports")),
        Template("Will {side} win a tier-one trophy by {day}?", ("sports", "games", "esports", "cs2")),
        Template("Will {nation} win {few} gold medals at the championships ending {day}?", ("sports", "athletics")),
        Template("Will the men's marathon record fall by {day}?", ("sports", "athletics")),
    ),
    "politics": (
        Template("Will {country} pass its {bill} bill by {day}?", ("politics", "world")),
        Template("Will {country} hold a snap election by {day}?", _VOTE),
        Template("Will turnout in {country} exceed {dozens}% in the vote of {day}?", _VOTE),
        Template("Will {country} and {nation} sign {accord} agreement by {day}?", (*_STATE, "foreign-policy")),
        Template("Will the governing coalition of {country} still hold on {day}?", ("politics", "world", "parliament")),
        Template("Will the mayor of {city} announce another term by {day}?", ("politics", "mayoral-elections")),
        Template("Will the EU adopt the {bill} regulation by {day}?", ("politics", "eu", "world")),
        Template("Will {country} name a new finance minister by {day}?", ("politics", "cabinet", "world")),
    ),
    "entertainment": (
        Template("Will {film} win {prize} by {day}?", ("pop-culture", "movies", "awards", "oscars")),
        Template("Will {film} gross ${dozens}0M worldwide by {day}?", ("pop-culture", "movies", "box-office")),
        Template("Will {singer} have a number one album by {day}?", ("pop-culture", "music", "albums")),
        Template("Will {show} be renewed by {day}?", ("pop-culture", "tv")),
        Template("Will {game} be released by {day}?", ("pop-culture", "video-games", "gaming")),
        Template("Will {singer} announce a stadium tour by {day}?", ("pop-culture", "music", "celebrities")),
        Template("Rated higher on {day}: {film} or {film2}?", ("movies", "rotten-tomatoes"), ("{film}", "{film2}")),
        Template("Will {country} win the song contest ending {day}?", ("pop-culture", "music", "eurovision")),
    ),
    "crypto": (
        Template("Will {coin} gain {percent}% by {day}?", (*_CRYPTO, "bitcoin")),
        Template("Will {coin} outperform {coin2} until {day}?", _CRYPTO),
        Template("Will a {coin} ETF see ${dozens}M of inflows in a week by {day}?", ("crypto", "bitcoin-etf")),
        Template("Will {chain} process {thousands} transactions a second by {day}?", ("crypto", "ethereum")),
        Template("Will the stablecoin supply on {chain} grow {percent}% by {day}?", ("crypto", "stablecoins")),
        Template("Will an exchange list {few} new tokens in a day by {day}?", ("crypto", "airdrops")),
        Template("Will {coin} make a new yearly high by {day}?", (*_CRYPTO, "bitcoin")),
        Template("Will the {chain} upgrade go live by {day}?", ("crypto", "ethereum")),
    ),
    "science": (
        Template("Will the {mission} mission launch by {day}?", ("science", "space", "nasa")),
        Template("{lab} on top of the arena by {day}?", ("tech", "ai")),
        Template("Will {few} hurricanes form by {day}?", (*_WEATHER, "hurricanes")),
        Template("Will {thousands} {disease} cases be reported by {day}?", ("science", "pandemics")),
        Template("Will there be {few} earthquakes of magnitude 7.0 or more by {day}?", (*_WEATHER, "earthquakes")),
        Template("Will the season to {day} be among the {few} warmest on record?", (*_WEATHER, "global-temp")),
        Template("Will a fusion shot beat the record yield by {day}?", ("science", "physics")),
        Template("Will robotaxis serve {few} more cities by {day}?", ("tech", "self-driving", "ai")),
    ),
    "business": (
        Template("Will {firm} list its shares by {day}?", ("business", "finance", "ipos")),
        Template("Will {firm} and {firm2} agree to merge by {day}?", ("business", "finance", "acquisitions")),
        Template("Will {bank} cut rates by {day}?", (*_MONEY, "fed-rates")),
        Template("Will {index} close {percent}% higher by {day}?", ("business", "finance", "stocks", "indices")),
        Template("Will {good} rise {percent}% by {day}?", ("business", "finance", "commodities")),
        Template("Will inflation in {country} be above {few}% on {day}?", (*_MONEY, "inflation")),
        Template("Will {firm} name a new chief executive by {day}?", ("business", "ceo")),
        Template("Will unemployment in {country} fall by {day}?", (*_MONEY, "unemployment")),
    ),
}  # fmt: skip

SHORT: dict[str, tuple[Template, ...]] = {
    "sports": (
        Template("{club} vs. {club2}: who is ahead at {time}?", _SOCCER, ("{club}", "{club2}")),
        Template("{team} vs. {team2}: over or under {dozens}.5 points by {time}?", _HOOPS, ("Over", "Under")),
        Template("Counter-Strike: {side} vs. {side2}, map won by {time}", ("esports", "cs2"), ("{side}", "{side2}")),
        Template("Will {nation} lead the stage at {time} on {day}?", ("sports", "cycling")),
    ),
    "politics": (
        Template("Will {country}'s vote on the {bill} bill be called by {time} on {day}?", ("politics", "parliament")),
        Template("Will turnout in {city} pass {dozens}% by {time} on {day}?", _VOTE),
        Template("Will the briefing in {city} start before {time} on {day}?", ("politics", "world")),
        Template("Will {country} recall its envoy by {time} on {day}?", _STATE),
    ),
    "entertainment": (
        Template("Will {singer} play an encore before {time} on {day}?", ("pop-culture", "music")),
        Template("Will {show} trend first at {time} on {day}?", ("pop-culture", "tv")),
        Template("{film} or {film2}: more seats by {time} on {day}?", ("movies", "box-office"), ("{film}", "{film2}")),
        Template("Will the {game} trailer pass {dozens}0k views by {time} on {day}?", ("pop-culture", "gaming")),
    ),
    "crypto": (
        Template("{coin} up or down at {time} on {day}?", (*_CRYPTO, "up-or-down"), ("Up", "Down")),
        Template("Will {coin} beat {coin2} until {time} on {day}?", _CRYPTO),
        Template("Will {chain} fees pass {dozens} gwei by {time} on {day}?", ("crypto", "ethereum")),
        Template("Will {coin} move {few}% by {time} on {day}?", (*_CRYPTO, "bitcoin")),
    ),
    "science": (
        Template("Will {place} be above {dozens}°F at {time} on {day}?", ("weather", "daily-weather")),
        Template("Will it rain in {place} before {time} on {day}?", ("weather", "precipitation")),
        Template("Will the {mission} burn end before {time} on {day}?", ("science", "space")),
        Template("Will a magnitude 5 earthquake be recorded by {time} on {day}?", ("science", "earthquakes")),
    ),
    "business": (
        Template("{index} up or down at {time} on {day}?", ("business", "finance", "stocks"), ("Up", "Down")),
        Template("Will {firm} report before {time} on {day}?", ("business", "earnings")),
        Template("Will {good} trade higher at {time} on {day}?", ("business", "commodities")),
        Template("Will {bank} speak of inflation before {time} on {day}?", (*_MONEY, "fed")),
    ),
}  # fmt: skip
