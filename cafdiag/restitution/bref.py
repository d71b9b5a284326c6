"""« En bref » : ce qui distingue ce territoire, choisi par une règle que le rapport écrit sous l'encadré.

Le score d'un indicateur est le plus grand de deux rapports : son écart à la référence connue la plus proche, sur
l'écart interquartile des territoires d'alentour ; son écart à la médiane des comparables, sur leur écart
interquartile. Sans référence, la médiane d'alentour en tient lieu. Un écart plus petit que l'incertitude, ou que la
moitié de l'écart interquartile, ne distingue personne.
"""

from __future__ import annotations

from dataclasses import dataclass

from cafdiag.indicateurs import dictionnaire, effectifs
from cafdiag.indicateurs.positions import se_distinguent
from cafdiag.restitution import textes
from cafdiag.restitution.commentaires import commentaire, rangs_dits, reference, situe
from cafdiag.restitution.lecture import MesuresLues, sur_place
from cafdiag.territoires import Territoire

CONSTATS = 6
PAR_THEME = 2
SCORE_MINIMUM = 0.5
# Deux lectures d'un même fait n'en font pas deux : une seule est gardée, la plus distinctive.
_SUJETS = {
    "PE_TXCOUV_AM": "accueil individuel",
    "PE_TXCOUV_GAD": "accueil individuel",
    "PE_PART_INDIV": "accueil individuel",
    "EJ_ALSH_PART_COM_EQUIP": "accès aux ALSH",
    "EJ_ALSH_PART_X_KM": "accès aux ALSH",
    "ACC_PART_X_MIN_ALSH": "accès aux ALSH",
    "ACC_PART_X_MIN": "accès aux crèches",
    "ACC_EAJE_TEMPS": "accès aux crèches",
    "ACC_EAJE_2SFCA": "accès aux crèches",
    "ACC_EAJE_2SFCA_LIEUX": "accès aux crèches",
    "AVS_QPV_COUV": "QPV couverts",
    "AVS_QPV_HAB_COUV": "QPV couverts",
    "AVS_CS_PAR_QPV": "QPV couverts",
    "PS_COUV_POP": "Caf",
    "PS_ALLOC_POP": "Caf",
    **dict.fromkeys((f"CTX_PART_{a}" for a in ("0_4", "5_9", "10_14", "15_19", "0_19", "3_11")), "âges"),
}
# La population ouvre l'encadré ; densité et ruralité décrivent ce qu'il est ; les autres redisent un candidat.
_EXCLUS = (
    "CTX_POP",
    "CTX_POP_EVOL",
    "CTX_DENSITE",
    "CTX_DENSITE_PART",
    "CTX_DENSITE_PART_INTER",
    "CTX_PART_RURAL",
    "PE_BESOIN_CIBLE",
    "PE_ECART_REF",
    "PE_RATIO_REF",
    "PE_MODE_DOMINANT",
    "PE_TENSION",
    "PS_TAILLE_FOYER",
)
# Une place est une place : l'écart d'un mode se juge à la dispersion de toute l'offre, pas à la sienne, minuscule.
_REPERES = "Après la population et l'offre d'accueil, c"
_MODES, _OFFRE = "PE_TXCOUV_", "PE_TXCOUV_GLOBAL"


@dataclass(frozen=True)
class EnBref:
    """Les phrases de l'encadré, et comment elles ont été choisies."""

    phrases: list[str]
    methode: str = ""


@dataclass(frozen=True)
class Distinction:
    """Un indicateur, ce qu'il a de distinctif, et parmi qui (``proches`` ou ``comparables``)."""

    code: str
    theme: str
    score: float
    groupe: str


def en_bref(territoire: Territoire, lecture: MesuresLues, *, nom: str) -> EnBref:
    """Six phrases au plus : la population, l'offre d'accueil, puis ce qui distingue ce territoire, du plus marqué.

    Un territoire pauvre en données en a moins. Sans groupe où se situer (France, quartier), ce sont des repères, dans
    l'ordre du rapport.
    """
    retenus = constats(lecture)
    if not retenus:
        return EnBref(textes.en_bref(territoire, lecture, nom=nom), _SANS_CONSTAT if lecture.groupes else "")
    identite = textes.population(territoire, lecture, nom)
    phrases = [p for p in (identite, _offre(lecture)) if p]
    for constat in [c for c in retenus if c.code != _OFFRE or len(phrases) < 2][: CONSTATS - len(phrases)]:
        dit = commentaire(lecture, constat.code, limite=False).niveau
        phrases.append(f"{dit} Rang : {rang}." if (rang := _rang(lecture, constat)) else dit)
    return EnBref(phrases, _methode(lecture, avec_identite=bool(identite)))


def _rang(lecture: MesuresLues, constat: Distinction) -> str:
    """Le rang d'un constat : « 2e sur 9 », ou en mots quand des ex æquo l'empêchent de tenir en un nombre."""
    rang = next(iter(rangs_dits(lecture, constat.code, (constat.groupe,))), "")
    en_mots = situe(lecture, constat.code) if "ex æquo" in rang and constat.groupe == "proches" else ""
    return en_mots or rang


def _offre(lecture: MesuresLues) -> str:
    """Le taux de couverture ouvre tous les diagnostics, qu'il distingue le territoire ou non."""
    return commentaire(lecture, _OFFRE, limite=False).niveau if lecture.connu(_OFFRE) else ""


def constats(lecture: MesuresLues) -> list[Distinction]:
    """Les indicateurs qui distinguent le territoire, du plus au moins marqué, sans redite, deux au plus par thème."""
    candidats = []
    for code, theme in dictionnaire()["theme"].items():
        score, groupe = score_de(lecture, code)
        if score >= SCORE_MINIMUM:
            candidats.append(Distinction(code, theme, score, groupe))
    retenus: list[Distinction] = []
    # Le tri est stable : à score égal, l'ordre du dictionnaire.
    for constat in sorted(candidats, key=lambda c: -c.score):
        sujets = {_SUJETS.get(c.code, c.code) for c in retenus}
        du_theme = sum(c.theme == constat.theme for c in retenus)
        if _SUJETS.get(constat.code, constat.code) not in sujets and du_theme < PAR_THEME:
            retenus.append(constat)
    return retenus


def score_de(lecture: MesuresLues, code: str) -> tuple[float, str]:
    """Ce qu'un indicateur a de distinctif, et parmi qui ; ``(0.0, "")`` s'il ne distingue pas.

    Une dispersion nulle (tous les autres à 100 %) vaut la plus petite différence qui se montre.
    """
    if code in _EXCLUS or code in effectifs() or not lecture.connu(code):
        return 0.0, ""
    # De centre à centre, une commune équipée est à zéro minute d'elle-même, et un pôle de quelques communes à
    # presque rien : ce n'est pas un fait du territoire.
    de_peu = lecture.ligne(code)["maille"] in ("commune", "perimetre")
    if code.startswith("ACC_") and (de_peu or sur_place(lecture.ligne(code))):
        return 0.0, ""
    places = int(dictionnaire().at[code, "decimales"])
    role = reference(lecture, code)
    scores = [(0.0, "")]
    for groupe in ("proches", "comparables"):
        place = lecture.position(code, groupe)
        etalon = lecture.position(_OFFRE, groupe) if code.startswith(_MODES) else place
        if place is None or etalon is None:
            continue
        if groupe == "proches" and role is not None:
            ecart = abs(lecture.ecart(code, role) or 0.0)
        else:
            ecart = _a_la_mediane(lecture, code, place["mediane"], places)
        dispersion = max(etalon["q3"] - etalon["q1"], 10.0**-places)
        scores.append((ecart / dispersion, groupe))
    # À égalité, les territoires d'alentour : ils parlent davantage.
    return max(scores, key=lambda s: s[0])


def _a_la_mediane(lecture: MesuresLues, code: str, mediane: float, places: int) -> float:
    """Écart à la médiane, nul s'il ne dépasse pas l'incertitude."""
    du_groupe = {"valeur": mediane, "bas": None, "haut": None, "statut": "exact"}
    distincte = se_distinguent(lecture.ligne(code), du_groupe, places)
    return round(abs(lecture.valeur(code) - mediane), 6) if distincte else 0.0


def _methode(lecture: MesuresLues, *, avec_identite: bool) -> str:
    groupes = " ou entre ".join(g.libelle for g in lecture.groupes.values())
    return (
        f"{_REPERES if avec_identite else 'C'}es constats distinguent ce territoire : un écart à la référence grand "
        f"au regard de ceux entre {groupes}. Le plus marqué d'abord, deux par thème au plus. Rangs du plus élevé au "
        "plus bas."
    )


_SANS_CONSTAT = (
    "La règle qui choisit ce qui distingue un territoire (un écart à la référence grand au regard des différences "
    "habituelles) n'a rien retenu parmi les chiffres qu'elle examine : ce sont des repères, dans l'ordre du rapport."
)
