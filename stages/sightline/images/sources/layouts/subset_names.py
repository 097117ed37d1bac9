"""Subset names are a family: ``Training``, ``seg_test``, ``val_data``, ``images_train2017``, ``holdout``."""

import re
from collections.abc import Iterable

TRAINED = """
    train training trainings trn trainval entrainement entraînement apprentissage entrenamiento treino treinamento
    addestramento обучение 训练 训练集 訓練 訓練集 学習 학습 훈련
"""
VALIDATED = """
    val valid validation validate validating vali validierung validierungs dev devel development validacion validación
    validacao validação проверка 验证 验证集 驗證 驗證集 検証 검증
"""
TESTED = """
    test testing tests tst holdout heldout prueba teste тест 测试 测试集 測試 測試集 テスト 테스트
"""
JUDGED = "eval evaluation evaluate evaluating"  # test, unless another folder is that
UNLABELLED = "unlabeled unlabelled unlab pred predict prediction predictions"
WORDS = {
    word: kind
    for kind, words in (
        ("train", TRAINED),
        ("val", VALIDATED),
        ("test", TESTED),
        ("eval", JUDGED),
        ("unlabelled", UNLABELLED),
    )
    for word in words.split()
}
PLAIN = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}  # need no explanation
# words that say nothing of which subset it is
SAY_NOTHING = """
    set sets data dataset datasets image images img imgs photo photos picture pictures pic pics folder folders dir
    split splits subset sample samples file files seg cls class classes classification crop crops cropped resized
    aug augmented labeled labelled all full final part new old big small large mini tiny raw original orig
    processed clean public private standard stage phase kaggle jpg jpeg png rgb gray px
"""
AFFIXES = frozenset(SAY_NOTHING.split())
GLUED = ("dataset", "images", "image", "imgs", "img", "data", "set", "daten", "bilder", "データ")  # trainset, Testdaten
SHORT = {"tr": "train", "te": "test", "ts": "test", "va": "val", "vl": "val"}  # languages too: only among themselves
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
WORD = re.compile(r"[^\W\d_]+")


def words_of(name: str) -> list[str]:
    """Cut a name into lower-case words at separators, digits and capitals: ``TrainSet_2017`` is train, set."""
    return [word.lower() for word in WORD.findall(CAMEL.sub(" ", name))]


def subset_of(name: str, ignored: Iterable[str] = ()) -> str:
    """Return train, val, test, eval or unlabelled for a name that means a subset, ``""`` for any other.

    `ignored` are further words that say nothing, such as those that all folders beside it share.
    """
    said = [word for word in words_of(name) if word not in AFFIXES and word not in ignored]
    return _kind("".join(said))


def _kind(word: str) -> str:
    return WORDS.get(word, "") or next((WORDS[bare] for bare in _unglued(word) if bare in WORDS), "")


def _unglued(word: str) -> Iterable[str]:
    for affix in GLUED:
        yield word.removesuffix(affix)
        yield word.removeprefix(affix)


def subsets_of(names: Iterable[str], shared_words: bool = True) -> dict[str, str]:
    """Return which names that stand side by side mean train, val, test or unlabelled.

    Words that all of them share say nothing, if asked: ``asl_alphabet_train`` beside ``asl_alphabet_test``. An
    evaluation set is the test set, or the validation set where another is the test set and none the validation set.
    """
    names = sorted(names)
    shared = set()
    if shared_words and len(names) > 1:
        shared = set.intersection(*(set(words_of(name)) for name in names))
    kinds = {name: subset_of(name) or subset_of(name, shared) for name in names}
    if all(kinds[name] or name.lower() in SHORT for name in names):
        kinds = {name: kinds[name] or SHORT[name.lower()] for name in names}
    known = set(kinds.values())
    judged = "val" if "test" in known and "val" not in known else "test"
    return {name: judged if kind == "eval" else kind for name, kind in kinds.items() if kind}


def hidden_subset(name: str) -> str:
    """Return the subset that one of a name's words means: train for ``cats_train`` and ``train_station``."""
    return next(filter(None, map(_kind, words_of(name))), "")
