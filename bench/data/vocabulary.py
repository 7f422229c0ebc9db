"""The vocabulary of a company: words for tasks in two languages, the most frequent first, and customer names."""

import random
from itertools import accumulate, product


def _split_words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_ENGLISH = _split_words("""
    invoice customer page report server error login password update export import budget meeting contract draft
    release search filter payment delivery warehouse supplier printer calendar backup receipt template mobile
    translation review plan office vacation order refund newsletter training label address phone network schedule
    ticket profile picture video store price discount tax bank account audit lawyer licence domain certificate cable
    monitor keyboard desk chair window door heating garden kitchen coffee lunch train hotel flight visa passport
    survey interview candidate salary pension insurance doctor holiday present festival music poster logo font
    colour camera archive folder shelf box pallet truck driver fuel road map
""")
_RUSSIAN = _split_words("""
    счёт клиент страница отчёт сервер ошибка вход пароль обновление выгрузка загрузка бюджет встреча договор
    черновик выпуск поиск фильтр оплата доставка склад поставщик принтер календарь копия шаблон приложение перевод
    проверка план офис отпуск заказ возврат рассылка обучение ярлык адрес телефон сеть расписание билет профиль
    картинка видео магазин цена скидка налог банк касса ревизия юрист лицензия домен сертификат кабель монитор
    клавиатура стол стул окно дверь отопление сад кухня кофе обед поезд гостиница рейс виза паспорт опрос
    собеседование кандидат зарплата пенсия страховка врач праздник подарок фестиваль музыка плакат логотип шрифт
    цвет камера архив папка полка коробка паллета грузовик водитель топливо дорога карта станция
""")
LANGUAGES = (_ENGLISH, _RUSSIAN)
_SYLLABLES = map(_split_words, ("Nor Tel Bra Ves Kol Mar Zim Pol", "vi ta ro ma le su", "kan den lux mir"))
CUSTOMERS = tuple(map("".join, product(*_SYLLABLES)))
_SKIPPED_RANKS = 10
"""Word frequencies start at this rank, so that the first word is not twice as frequent as the second."""
_WEIGHTS = list(accumulate(1 / (_SKIPPED_RANKS + at) for at in range(len(_ENGLISH))))


def sentence(rng: random.Random, words: tuple[str, ...], min_words: int, max_words: int) -> str:
    """`min_words` to `max_words` words of one language, the first capitalised."""
    return " ".join(rng.choices(words, cum_weights=_WEIGHTS, k=rng.randint(min_words, max_words))).capitalize()
