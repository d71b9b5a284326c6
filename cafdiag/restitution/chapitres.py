"""Les chapitres du rapport, dans l'ordre des diagnostics réels : besoins, offre, écart, limites, parole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache, lru_cache

import pandas as pd

from cafdiag.indicateurs import THEMES, Options, dictionnaire
from cafdiag.indicateurs.hors_mayotte import HORS_MAYOTTE
from cafdiag.indicateurs.questionnaire import Depouillement
from cafdiag.restitution import annexes, comparables
from cafdiag.restitution import enjeux as regles_des_enjeux
from cafdiag.restitution.bloc import Donnees
from cafdiag.restitution.document import (
    Bout,
    Bouts,
    Encadre,
    Liste,
    Section,
    Suite,
    liste,
    mots,
    paragraphe,
    titre,
)
from cafdiag.restitution.document import parole as place_de_la_parole
from cafdiag.restitution.formats import enumeration, minuscule, statut
from cafdiag.restitution.lecture import MesuresLues, accord
from cafdiag.restitution.structures import structures_montrees
from cafdiag.restitution.tableaux import depliant, en_deux_colonnes, tableau, tableau_mesures
from cafdiag.restitution.themes import CORPS, SOCIAUX, STRUCTURES

# En deçà de ce tiers de chiffres connus, les comparables n'ont pas leur colonne : leur encart les dit mieux.
PART_MINIMALE = 1 / 3
REFERENCES = {"departement": "le département", "region": "la région", "france": "la France"}
_QPV_PROXIMITE = (
    r"\(définition de proximité\) si un centre social est dedans ou à moins de 500 m de son contour"
)
_PARMI_LES_QPV = ("CTX_QPV_NB", "AVS_QPV_COUV", "AVS_QPV_HAB_COUV", "AVS_CS_PAR_QPV")
_QPV_STRICTE = "(définition stricte) si un centre social est dans son contour"
CHAPITRES = tuple(THEMES)
# D'un thème à l'autre, le dépouillement entier a tous les mots.
MOTS_MONTRES = 10
NON_ENONCE = "Ce que ce rapport ne dit pas encore"
# Le livret de la Caf 53 chiffre cette intercommunalité : un repère pour elle seule.
_CRAON = "200048551"
PAROLE = {
    "portrait": "Comment les habitants décrivent-ils leur territoire ? Qu'est-ce qui a changé depuis la dernière "
    "convention ?",
    "petite-enfance": "Familles, assistants maternels, gestionnaires, relais petite enfance : quels besoins sans "
    "réponse, quels horaires, quelles difficultés à recruter ?",
    "enfance-jeunesse": "Enfants, jeunes, parents, animateurs : quels temps manquent, quels freins (transport, "
    "tarif, handicap) ?",
    "animation-vie-sociale": "Habitants, bénévoles, centres sociaux, EVS : quels lieux font vivre le territoire, "
    "lesquels manquent ?",
    "parentalite": "Parents, lieux d'accueil enfants-parents, écoles, médiateurs : où trouver écoute et relais, "
    "que devient cet appui quand l'enfant grandit ?",
    "acces-aux-droits": "Habitants, agents d'accueil, travailleurs sociaux : quels droits non demandés, "
    "quelles démarches bloquent, qui n'a ni voiture ni connexion ?",
    "logement": "Bailleurs, communes, jeunes, gens du voyage, familles : qui ne trouve pas à se loger, où sont les "
    "impayés et les logements indignes ?",
    "handicap-insertion": "Familles, pôles ressources, missions locales, médiation familiale : quels accueils "
    "refusés, quelles ruptures de parcours ?",
}


def chapitre(theme: str, donnees: Donnees) -> Suite:
    """L'ouverture d'un chapitre : chiffres clés, constats, graphiques ; vide si rien n'en est connu."""
    if sans_rien(theme, donnees):
        return ()
    return (Section(THEMES[theme], CORPS[theme](donnees), ancre=theme, genre="chapitre"),)


def sans_rien(theme: str, donnees: Donnees) -> bool:
    """Vrai si le thème n'a ni chiffre, ni borne, ni structure nommée : il n'aura qu'une ligne, à la fin."""
    if _connus(theme, donnees):
        return False
    types = STRUCTURES.get(theme, ())
    return not types or structures_montrees(donnees, types).empty


def non_enonce(donnees: Donnees) -> Suite:
    """La fin du rapport : une ligne par thème, ce qui y manque et qui peut le donner ; puis les autres raisons."""
    lecture = donnees.lecture
    table = dictionnaire()
    lignes = []
    for theme in CHAPITRES:
        du_theme = table[table["theme"].eq(theme)]
        muets = du_theme[[_manque(lecture, code) for code in du_theme.index]]
        if muets.empty:
            continue
        vide = sans_rien(theme, donnees)
        noms = enumeration([minuscule(n) for n in dict.fromkeys(muets["libelle_court"])], maximum=3)
        qui = " ; ".join(dict.fromkeys(q.partition(" : ")[0] for q in muets["a_apporter"]))
        combien = "aucun chiffre encore" if vide else accord(len(muets), "indicateur manque", "indicateurs manquent")
        lignes.append({"theme": THEMES[theme], "combien": f"{combien} ({noms})", "qui": qui})
    raisons = annexes.non_enonce(lecture.mesures[lecture.mesures["role"].eq("territoire")])
    if raisons.empty:
        return _fin(paragraphe("Tous les indicateurs sont énoncés."))
    # Ce qui n'est que pas encore apporté est dit à la ligne de son thème.
    raisons = raisons[~raisons["motif"].str.startswith((annexes.A_DEMANDER, annexes.PAS_ICI))]
    par_theme: Suite = ()
    if lignes:
        colonnes = {"theme": "Thème", "combien": "Ce qui manque", "qui": "Qui peut le donner"}
        par_theme = (tableau(pd.DataFrame(lignes), titre="Ce qui manque, par thème", colonnes=colonnes),)
    if raisons.empty:
        return _fin(par_theme)
    rendu = tableau(
        raisons,
        titre="Indicateurs sans chiffre ici",
        colonnes={"motif": "Pourquoi", "etat": "État", "indicateurs": "Indicateurs"},
    )
    return _fin((*par_theme, Encadre("note", (rendu,), resume="Les autres raisons")))


def _fin(elements: Suite) -> Suite:
    return (Section(NON_ENONCE, elements, ancre="non-enonce", genre="chapitre"),)


def _manque(lecture: MesuresLues, code: str) -> bool:
    """Vrai si ce chiffre pourrait être connu : un secret, ou une question sans objet, ne se demande pas."""
    ligne = lecture.ligne(code)
    return bool(ligne) and ligne["statut"] == "non_disponible" and not lecture.bornes(code)


def paroles(donnees: Donnees, familles: Depouillement | None) -> dict[str, Suite]:
    """Les mots des familles, thème par thème ; ceux d'un thème sans chapitre vont au portrait."""
    if familles is None:
        return {}
    ranges: dict[str, list[str]] = {}
    for theme, ecrits in familles.mots.items():
        ici = theme in CHAPITRES and not sans_rien(theme, donnees)
        ranges.setdefault(theme if ici else CHAPITRES[0], []).extend(ecrits)
    return {theme: mots_des_familles(familles, ecrits) for theme, ecrits in ranges.items()}


def cites(ecrits: Sequence[str]) -> list[str]:
    """Les mots entre guillemets ; les mêmes, une fois, comptés.

    >>> cites(["Rien", "Le mercredi", "Rien"])
    ['« Rien » (2 fois)', '« Le mercredi »']
    """
    return [f"« {m} »" + (f" ({n} fois)" if n > 1 else "") for m, n in Counter(ecrits).items()]


def mots_des_familles(familles: Depouillement, ecrits: Sequence[str]) -> Suite:
    """Ce que des familles ont écrit, dix lignes au plus ; qui a répondu se dit d'abord."""
    dites = cites(ecrits)
    suite = f", les {MOTS_MONTRES} premiers mots" if len(dites) > MOTS_MONTRES else ""
    qui = f"Des familles ({accord(familles.nombre, 'réponse')} au questionnaire, de celles qui l'ont voulu){suite} :"
    return paragraphe(qui) + liste(dites[:MOTS_MONTRES])


def comparaison(theme: str, donnees: Donnees, deja_dit: Suite = ()) -> Suite:
    """La suite d'un chapitre, après sa carte : comparer, limites, parole des acteurs (``deja_dit`` : des familles)."""
    if sans_rien(theme, donnees):
        return ()
    parole = place_de_la_parole("La parole des acteurs.", PAROLE[theme], deja_dit)
    sus = _connus(theme, donnees)
    if not sus:
        return (Section("", parole),)
    mesures = donnees.lecture.mesures
    mesures = mesures[mesures["indicateur"].isin(sus)]
    comparer = _comparaison(theme, mesures, donnees, sus)
    # Ce qui n'est qu'encadré se montre, sans se classer.
    connus = [i for i in sus if donnees.lecture.connu(i)]
    comparer += comparables.encart(donnees, connus, liste=theme == CHAPITRES[0])
    return (Section("", comparer + _limites(sus, donnees.options) + parole),)


def _connus(theme: str, donnees: Donnees) -> list[str]:
    """Les indicateurs d'un thème dont le territoire a le chiffre, ou au moins une borne."""
    lecture = donnees.lecture
    connus = [i for i in _du_theme(theme) if lecture.connu(i) or lecture.bornes(i)]
    # Le nombre de quartiers d'un quartier, ou sa part de quartiers couverts, ne dit rien.
    return connus if donnees.territoire.maille != "qpv" else [i for i in connus if i not in _PARMI_LES_QPV]


@cache
def _du_theme(theme: str) -> tuple[str, ...]:
    return tuple(dictionnaire(theme=theme).index)


def _comparaison(theme: str, utiles: pd.DataFrame, donnees: Donnees, connus: list[str]) -> Suite:
    """Tableau territoire, département, région, France, pour les indicateurs connus du territoire."""
    part_connue = utiles.groupby("role")["statut"].apply(lambda s: s.map(lambda e: statut(e).chiffre).mean())
    # Une colonne toute vide n'apprend rien : elle est dite en une ligne.
    tus = [r for r in ("departement", "region", "france") if part_connue.get(r, -1) == 0]
    # Les comparables ont leur encart : médiane et rang y sont connus même quand leur total ne l'est pas.
    peu = ["comparables"] if part_connue.get("comparables", 0) < PART_MINIMALE else []
    utiles = utiles[~utiles["role"].isin([*tus, *peu])]
    # Un ou deux chiffres sans rien à quoi les comparer : les phrases du chapitre les ont dits.
    if theme in SOCIAUX and set(utiles["role"]) <= {"territoire"} and len(connus) <= 2:
        return _reperes(connus, donnees)
    courts = _dictionnaire(donnees.options)["libelle_court"].to_dict()
    precision = ""
    if tus:
        absents = enumeration([REFERENCES[r] for r in tus])
        precision = (
            f"Sans colonne : {absents}, où aucun de ces chiffres n'est connu."
        )
    precision = f"{precision} {_france_partielle(utiles, courts)}".strip()
    rendu = tableau_mesures(
        utiles,
        titre=f"{THEMES[theme]} : le territoire et ses références",
        surligner=donnees.territoire.code,
        noms=courts | {donnees.territoire.code: donnees.nom},
        motifs=False,
        precision=precision,
    )
    return (*titre("Comparer"), rendu, *_reperes(connus, donnees))


def _france_partielle(utiles: pd.DataFrame, courts: dict[str, str]) -> str:
    """« France hors Mayotte… » : le total de la France peut ne pas être celui de toute la France."""
    france = utiles[utiles["role"].eq("france") & utiles["motif"].str.startswith(HORS_MAYOTTE)]
    # La suite du motif ne tient qu'à un indicateur : seule la raison est commune.
    raisons = france["motif"].str.split(" ; ").str[0]
    return " ".join(
        f"France {raison} : {enumeration([courts[c] for c in siens], maximum=3)}."
        for raison, siens in france.groupby(raisons, sort=False)["indicateur"]
    )


def _dictionnaire(options: Options) -> pd.DataFrame:
    """Le dictionnaire tel qu'appliqué : la distance et la définition choisies y sont écrites."""
    return _applique(options).copy(deep=False)


@lru_cache(maxsize=4)
def _applique(options: Options) -> pd.DataFrame:
    table = dictionnaire()
    distance = f"{options.distance_alsh_km:g} km".replace(".", ",")
    mots = ["libelle", "formule", "limites", "reperes"]
    table["libelle_court"] = table["libelle_court"].map(options.dire)
    code = "EJ_ALSH_PART_X_KM"
    table.loc[code, mots] = [str(t).replace("5 km", distance) for t in table.loc[code, mots]]
    if options.definition_qpv == "stricte":
        table["limites"] = table["limites"].str.replace(_QPV_PROXIMITE, _QPV_STRICTE, regex=True)
    return table


def _reperes(connus: list[str], donnees: Donnees) -> Suite:
    table = _dictionnaire(donnees.options)[["libelle_court", "reperes", "calcul"]].loc[connus]
    table["reperes"] = [_reperes_d_ici(r, donnees.territoire.code) for r in table["reperes"]]
    table = table[table["reperes"].ne("") & ~table["calcul"].eq("publie")]
    lignes = list(zip(table["libelle_court"], table["reperes"], strict=True))
    return depliant("Repères publiés", lignes, colonnes=("Chiffre", "Repère"))


def _reperes_d_ici(reperes: str, code: str) -> str:
    """Les repères, sans ceux qui ne valent que pour un autre territoire.

    >>> _reperes_d_ici("France 60,9 (2023) ; Pays de Craon 44,0 % (livret)", "244900015")
    'France 60,9 (2023)'
    """
    if code == _CRAON:
        return reperes
    return " ; ".join(r for r in reperes.split(" ; ") if "Pays de Craon" not in r)


def _limites(connus: list[str], options: Options) -> Suite:
    phrases: dict[str, list[str]] = {}
    table = _dictionnaire(options)[["libelle_court", "limites"]].loc[connus]
    for court, texte in zip(table["libelle_court"], table["limites"], strict=True):
        for phrase in texte.split(". "):
            if phrase.strip():
                phrases.setdefault(phrase.strip().rstrip("."), []).append(court)
    if not phrases:
        return ()
    par_indicateurs: dict[tuple[str, ...], list[str]] = {}
    for phrase, de in phrases.items():
        par_indicateurs.setdefault(tuple(dict.fromkeys(de)), []).append(f"{phrase}.")
    # Une limite que partagent tous les indicateurs du chapitre n'a pas à les redire.
    lignes = [
        ("Tous" if len(courts) == len(table) > 1 else enumeration(list(courts), maximum=3), " ".join(dites))
        for courts, dites in par_indicateurs.items()
    ]
    return depliant("Limites de ces chiffres", lignes, colonnes=("Chiffre", "Limite"))


REGLE_DES_ENJEUX = (
    "Une règle par sujet choisit ces constats : un écart à la France, au département ou, à défaut, à la médiane des "
    "territoires alentour, plus grand que l'incertitude. Le plus marqué vient d'abord. Ce n'est pas un jugement : les "
    "priorités se décident ensemble."
)


def enjeux(lecture: MesuresLues) -> Suite:
    """Enjeux à débattre, du plus marqué au moins marqué, avec ce qui contredirait chacun ; et les seuils des règles."""
    return (Section("Enjeux à débattre", _enjeux(lecture), ancre="enjeux", genre="chapitre"),)


def _enjeux(lecture: MesuresLues) -> Suite:
    trouves = regles_des_enjeux.enjeux(lecture)
    if not trouves and not regles_des_enjeux.repond(lecture):
        return paragraphe(
            "Les données qui permettraient de repérer des enjeux (taux de couverture, naissances, accueils "
            "de loisirs, quartiers prioritaires) manquent pour ce territoire ou cette année. Les enjeux viendront de "
            "la parole des acteurs."
        )
    regle = paragraphe(REGLE_DES_ENJEUX)
    if not trouves:
        return regle + paragraphe(
            "Ici, aucune de ces situations n'apparaît dans "
            "les données disponibles : cela ne veut pas dire que rien ne distingue ce territoire. Ses écarts et ses "
            "rangs se lisent dans chaque chapitre ; les enjeux viendront de la parole des acteurs."
        )
    seuils = en_deux_colonnes(regles_des_enjeux.seuils(), sinon="Enjeu")
    seuils.append(("Nombre d'enjeux", "deux par thème et sept en tout, au plus ; s'il y en a moins de trois, les "
                   "écarts suivants complètent, atouts compris"))  # fmt: skip
    detail = depliant("À partir de quel écart", seuils, colonnes=("Constat", "Écart à partir duquel il se dit"))
    return (*regle, Liste(tuple(map(_enjeu, trouves)), ordonnee=True, allure="enjeux"), *detail)


def _enjeu(e: regles_des_enjeux.Enjeu) -> Bouts:
    return (
        *mots(f"{e.titre}.", gras=True),
        *mots(f" {e.constat} "),
        *mots(e.question, italique=True),
        Bout(" "),
        *mots(f"Ce qui le contredirait : {minuscule(e.contredit)}", petit=True),
    )
