"""Les anomalies d'un portrait de territoire : un libellé faux, une somme qui ne tombe pas, un mois lu comme un an.

Les règles sont des données : des plafonds, des rapports à retrouver, des ordres de grandeur. Elles ne disent pas que
le portrait est juste ; elles disent ce qui ne peut pas l'être, ou ce qui demande une relecture.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from cafdiag.donnees.grandeurs import DEMI_PAS_ARRONDI
from cafdiag.donnees.releves import echelle
from cafdiag.indicateurs.portraits import en_table, est_un_effectif, est_un_taux, nom_voulu
from cafdiag.territoires.normalisation import normaliser

GRAVITES = ("erreur", "alerte", "information")
COLONNES = ["gravite", "regle", "grandeurs", "trouve", "attendu", "pourquoi"]


@dataclass(frozen=True)
class Plafond:
    """Une partie ne dépasse pas tant de pour cent de son tout."""

    partie: str
    tout: str
    maximum: float
    gravite: str
    pourquoi: str


@dataclass(frozen=True)
class Rapport:
    """Un taux écrit doit se retrouver à partir de ses deux termes."""

    taux: str
    numerateur: str
    denominateur: str
    facteur: float
    dit: str


_TOUT = "une partie ne dépasse pas son tout : un libellé, une unité ou un périmètre est faux"
# Moins de 6 ans : 12,8 % à Craon étaient des enfants à charge (cas d'or GC-21). Les moins de 3 ans en sont une partie :
# le même plafond vaut pour eux, et laisse passer la Guyane (7,4 %, la plus forte part lue).
PART_RARE = 10
PLAFONDS = (
    Plafond(
        "enfants_moins_6_ans",
        "population",
        PART_RARE,
        "alerte",
        "une telle part est rare, hors territoires très jeunes : c'est sans doute le nombre d'enfants à charge",
    ),
    Plafond(
        "enfants_moins_3_ans",
        "population",
        PART_RARE,
        "alerte",
        "une telle part est rare, hors territoires très jeunes : vérifiez la tranche d'âge du libellé",
    ),
    *(
        Plafond(p, t, 100, "erreur", _TOUT)
        for p, t in (
            ("foyers_allocataires", "population"),
            ("personnes_couvertes", "population"),
            ("enfants_couverts", "personnes_couvertes"),
            ("enfants_moins_6_ans", "enfants_couverts"),
            ("enfants_moins_3_ans", "enfants_moins_6_ans"),
        )
    ),
    Plafond(
        "foyers_allocataires",
        "personnes_couvertes",
        100,
        "erreur",
        "chaque foyer compte au moins une personne couverte : les deux nombres sont sans doute échangés",
    ),
)
RAPPORTS = (
    Rapport(
        "part_allocataires",
        "foyers_allocataires",
        "population",
        100,
        "foyers allocataires pour 100 habitants",
    ),
    Rapport(
        "part_population_couverte",
        "personnes_couvertes",
        "population",
        100,
        "personnes couvertes pour 100 habitants",
    ),
    Rapport("taille_foyer", "personnes_couvertes", "foyers_allocataires", 1, "personnes couvertes par foyer"),
)
# Euros par foyer : au-dessous du premier, ce n'est pas une année ; au-dessus du second, ce n'est pas un mois.
# Le RSA est calé sur Bordeaux, décembre 2024 : 539,5 € par foyer et par mois. Ailleurs, des bornes très larges.
MONTANTS_PAR_FOYER = {"rsa": (2000, 2000)}
_MONTANTS_LARGES = (300, 3000)


def verifier_portrait(portrait: Mapping | pd.DataFrame) -> pd.DataFrame:
    """Relit un portrait de territoire et rend ce qui cloche.

    Règles : des milliers écrits comme des décimales, un effectif qui n'est pas entier ; une valeur négative, un
    pourcentage au-dessus de 100 ; une partie plus grande que son tout, ou d'une part implausible ; un taux
    écrit qui ne se retrouve pas (et celui dont il s'agit sans doute) ; des parties qui ne font pas leur total,
    à l'arrondi près ; un total de taux qui est leur simple moyenne ; un montant du mois lu comme annuel, ou
    l'inverse ; un taux de couverture de l'accueil écrit en « % ».

    Parameters
    ----------
    portrait : mapping or DataFrame
        ``{"population": 28752, …}``, ``{"population": {"valeur": 28752, "unite": "habitants"}, …}``, ou une table de
        colonnes ``grandeur`` et ``valeur``. Facultatifs : ``unite``, ``libelle``, ``source`` ; ``partie_de`` (la
        grandeur dont c'est une partie) et ``detail`` (« complet », ou « dont » si les parties ne font pas tout) ;
        ``poids`` (le dénominateur d'un taux).

    Returns
    -------
    DataFrame
        ``gravite`` (erreur, alerte, information), ``regle``, ``grandeurs``, ``trouve``, ``attendu``, ``pourquoi``,
        du plus grave au moins grave ; vide si rien ne cloche. Une grandeur absente n'éveille aucune règle.

    Raises
    ------
    EntreeFautive
        Colonnes absentes, valeurs qui ne sont pas des nombres, grandeurs en double.

    Examples
    --------
    >>> alertes = verifier_portrait({"population": 28752, "enfants_moins_6_ans": 3687})
    >>> alertes[["gravite", "regle", "trouve", "attendu"]].to_dict("records")
    ... # doctest: +NORMALIZE_WHITESPACE
    [{'gravite': 'alerte', 'regle': 'part implausible',
      'trouve': 'enfants_moins_6_ans / population = 12,8 %', 'attendu': '10 % au plus'}]
    """
    table = en_table(portrait)
    regles = (_noms, _ecritures, _valeurs, _plafonds, _rapports, _totaux, _montants, _unites)
    alertes = [a for regle in regles for a in regle(table)]
    rendue = pd.DataFrame(alertes, columns=COLONNES).astype("object")
    rang = rendue["gravite"].map(GRAVITES.index)
    return (
        rendue.assign(rang=rang)
        .sort_values(["rang", "regle", "grandeurs"])
        .drop(columns="rang")
        .reset_index(drop=True)
    )


def _alerte(gravite: str, regle: str, grandeurs: str, trouve: str, attendu: str, pourquoi: str) -> dict:
    return dict(zip(COLONNES, (gravite, regle, grandeurs, trouve, attendu, pourquoi), strict=True))


def _nombre(x: float, decimales: int = 1) -> str:
    texte = f"{x:,.{decimales}f}".replace(",", "\u202f").replace(".", ",")
    return texte.rstrip("0").rstrip(",") if "," in texte else texte


def _demi_pas(valeur: float, ecrite: str, unite: str) -> float:
    """Demi-pas d'arrondi : celui de la dernière décimale écrite, sinon celui de publication de la Cnaf.

    La Cnaf arrondit un effectif communal à 5, et un montant à 100 euros.
    """
    decimales = len(ecrite.replace(",", ".").partition(".")[2].rstrip("0"))
    if decimales:
        return 0.5 * 10**-decimales
    if echelle(unite) > 1:
        return 0.5
    if "euro" in unite.lower() or "€" in unite:
        return 50.0 if valeur % 100 == 0 else 0.0
    return DEMI_PAS_ARRONDI if valeur % 5 == 0 else 0.0


def _noms(table: pd.DataFrame) -> Iterator[dict]:
    """Une grandeur à une faute de frappe d'une grandeur connue : aucune règle ne la regarderait."""
    for nom in table["grandeur"]:
        if voulu := nom_voulu(nom):
            pourquoi = "sous ce nom, aucune vérification ne la regarde"
            yield _alerte("alerte", "nom", nom, f"« {nom} »", f"sans doute « {voulu} »", pourquoi)


def _ecritures(table: pd.DataFrame) -> Iterator[dict]:
    """Des milliers écrits comme des décimales, des habitants qui ne sont pas entiers."""
    for g, ligne in table.iterrows():
        if ligne["milliers"]:
            signe = {".": "point", ",": "virgule"}[ligne["milliers"]]
            ecrite = f"{int(ligne['valeur']):,}".replace(",", ligne["milliers"])
            entiers = int(abs(ligne["valeur"])) // 1000
            yield _alerte(
                "alerte",
                f"milliers en {signe}",
                g,
                f"{g} = {ecrite}",
                _nombre(ligne["valeur"], 0),
                f"« {ecrite} » se lit aussi {entiers} et des décimales : les milliers s'écrivent avec une espace ; "
                f"lu {_nombre(ligne['valeur'], 0)} pour les autres règles",
            )
        elif est_un_effectif(ligne) and ligne["valeur"] % 1:
            yield _alerte(
                "alerte",
                "effectif non entier",
                g,
                f"{g} = {_nombre(ligne['valeur'], 3)}",
                "un nombre entier",
                "un effectif se compte : une virgule, une unité ou un libellé est faux",
            )


def _valeurs(table: pd.DataFrame) -> Iterator[dict]:
    for g, ligne in table.iterrows():
        # Une évolution ou un écart peut être négatif ; un nombre ou une part, non.
        variation = any(
            mot in normaliser(f"{g} {ligne['libelle']}") for mot in ("evol", "ecart", "variation")
        )
        if ligne["valeur"] < 0 and not variation:
            yield _alerte(
                "erreur",
                "valeur négative",
                g,
                _nombre(ligne["valeur"]),
                "zéro au moins",
                "un nombre se compte",
            )
        if ligne["unite"].strip() == "%" and ligne["valeur"] > 100 and not variation:
            yield _alerte(
                "erreur",
                "part supérieure à 100 %",
                g,
                f"{_nombre(ligne['valeur'])} %",
                "100 % au plus",
                "un pourcentage d'un tout ; un taux de couverture s'écrit « places pour 100 enfants »",
            )


def _plafonds(table: pd.DataFrame) -> Iterator[dict]:
    for regle in PLAFONDS:
        if regle.partie not in table.index or regle.tout not in table.index:
            continue
        partie, tout = table.at[regle.partie, "valeur"], table.at[regle.tout, "valeur"]
        if tout > 0 and 100 * partie > regle.maximum * tout:
            nom = "partie plus grande que son tout" if regle.maximum == 100 else "part implausible"
            yield _alerte(
                regle.gravite,
                nom,
                f"{regle.partie}, {regle.tout}",
                f"{regle.partie} / {regle.tout} = {_nombre(100 * partie / tout)} %",
                f"{_nombre(regle.maximum)} % au plus",
                regle.pourquoi,
            )


def _rapports(table: pd.DataFrame) -> Iterator[dict]:
    calcules = {
        r.taux: r.facteur * table.at[r.numerateur, "valeur"] / table.at[r.denominateur, "valeur"]
        for r in RAPPORTS
        if r.numerateur in table.index
        and r.denominateur in table.index
        and table.at[r.denominateur, "valeur"] > 0
    }
    dits = {r.taux: r.dit for r in RAPPORTS}
    for taux in [t for t in calcules if t in table.index]:
        ecrit = table.at[taux, "valeur"]
        # « 44 sur 100 » est arrondi à l'unité ; « 15,1 » au dixième.
        demi = _demi_pas(ecrit, table.at[taux, "valeur_ecrite"], "") if ecrit % 1 else 0.5
        if abs(ecrit - calcules[taux]) <= demi + 1e-9:
            continue
        autres = [dits[a] for a, v in calcules.items() if a != taux and abs(ecrit - v) <= demi + 1e-9]
        pourquoi = (
            f"c'est le nombre de {autres[0]} : le libellé est faux"
            if autres
            else "taux, terme ou périmètre faux"
        )
        yield _alerte(
            "erreur",
            "taux qui ne se retrouve pas",
            taux,
            _nombre(ecrit, 2),
            f"{_nombre(calcules[taux])} ({dits[taux]})",
            pourquoi,
        )


def _totaux(table: pd.DataFrame) -> Iterator[dict]:
    for total, parties in table[table["partie_de"].ne("")].groupby("partie_de"):
        if total not in table.index:
            continue
        ligne = table.loc[total]
        if est_un_taux(ligne["unite"]):
            yield from _moyenne(ligne, parties)
            continue
        somme, ecrit = parties["valeur"].sum(), ligne["valeur"]
        termes = pd.concat([parties, ligne.to_frame().T])
        tolerance = sum(map(_demi_pas, termes["valeur"], termes["valeur_ecrite"], termes["unite"]))
        if abs(somme - ecrit) <= tolerance + 1e-9:
            continue
        trouve = f"{' + '.join(parties.index)} = {_nombre(somme)}"
        if somme > ecrit:
            yield _alerte("erreur", "somme des parties", total, trouve, f"{_nombre(ecrit)} au plus", _TOUT)
        elif parties["detail"].str.lower().eq("dont").all():
            yield _alerte(
                "information",
                "détail incomplet",
                total,
                trouve,
                _nombre(ecrit),
                f"« dont » : il reste {_nombre(ecrit - somme)} qui n'est pas détaillé",
            )
        else:
            yield _alerte(
                "erreur",
                "somme des parties",
                total,
                trouve,
                _nombre(ecrit),
                f"écart de {_nombre(ecrit - somme)}, plus que l'arrondi ({_nombre(tolerance, 2)}) : une partie manque",
            )


def _moyenne(ligne: pd.Series, parties: pd.DataFrame) -> Iterator[dict]:
    """Un taux d'ensemble est un rapport de sommes : la simple moyenne des taux compte un hameau comme une ville."""
    demi = _demi_pas(ligne["valeur"], ligne["valeur_ecrite"], "") if ligne["valeur"] % 1 else 0.5
    simple = parties["valeur"].mean()
    if len(parties) < 2 or parties["valeur"].nunique() == 1 or abs(ligne["valeur"] - simple) > demi + 1e-9:
        return
    attendu = "la somme des numérateurs rapportée à celle des dénominateurs"
    if parties["poids"].notna().all() and parties["poids"].sum() > 0:
        pondere = (parties["valeur"] * parties["poids"]).sum() / parties["poids"].sum()
        if abs(ligne["valeur"] - pondere) <= demi + 1e-9:
            return
        attendu = f"{_nombre(pondere)}, {attendu}"
    yield _alerte(
        "erreur",
        "moyenne de taux",
        ligne["grandeur"],
        f"{_nombre(ligne['valeur'])}, moyenne de {len(parties)} taux",
        attendu,
        "une moyenne de taux compte autant un hameau qu'une ville",
    )


def _montants(table: pd.DataFrame) -> Iterator[dict]:
    for g in [g for g in table.index if g.startswith("montant_")]:
        prestation = g.removeprefix("montant_")
        foyers = f"foyers_{prestation}"
        if foyers not in table.index or table.at[foyers, "valeur"] <= 0:
            continue
        dit = normaliser(f"{table.at[g, 'unite']} {table.at[g, 'libelle']}")
        annuel, mensuel = (
            any(m in dit.split() for m in mots) for mots in (("an", "annuel", "annee"), ("mois", "mensuel"))
        )
        par_foyer = table.at[g, "valeur"] * echelle(table.at[g, "unite"]) / table.at[foyers, "valeur"]
        minimum, maximum = MONTANTS_PAR_FOYER.get(prestation, _MONTANTS_LARGES)
        trouve = f"{_nombre(par_foyer)} € par foyer"
        if annuel and par_foyer < minimum:
            yield _alerte(
                "erreur",
                "montant mensuel lu annuel",
                g,
                f"{trouve} et par an",
                f"{_nombre(minimum)} € par an au moins",
                "la Cnaf publie à la commune le seul mois de décembre : ce montant est celui d'un mois",
            )
        elif mensuel and par_foyer > maximum:
            yield _alerte(
                "erreur",
                "montant annuel lu mensuel",
                g,
                f"{trouve} et par mois",
                f"{_nombre(maximum)} € par mois au plus",
                "ce montant est celui d'une année",
            )
        elif not annuel and not mensuel:
            yield _alerte(
                "information",
                "période non dite",
                g,
                trouve,
                "une unité : euros par mois, ou euros par an",
                "la Cnaf publie à la commune le seul mois de décembre",
            )


def _unites(table: pd.DataFrame) -> Iterator[dict]:
    for g, ligne in table.iterrows():
        dit = normaliser(f"{g.replace('_', ' ')} {ligne['libelle']}")
        accueil = "txcouv" in dit or ("couverture" in dit and "population" not in dit and "qpv" not in dit)
        if accueil and ligne["unite"].strip() == "%":
            yield _alerte(
                "alerte",
                "unité",
                g,
                f"{_nombre(ligne['valeur'])} %",
                "places pour 100 enfants de moins de 3 ans",
                "une place n'est pas un enfant accueilli : ce taux n'est pas une part, et peut dépasser 100",
            )
