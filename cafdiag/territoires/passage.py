"""Le passage d'une géographie à l'autre : un ancien code de commune, un ancien SIREN mène au nouveau, et on le dit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import pandas as pd

from cafdiag import magasin
from cafdiag.erreurs import DemandeFausse
from cafdiag.geographie import autre, geographie
from cafdiag.territoires.referentiel import construire, fiches, table

STATUTS = ("actuel", "passe", "scission", "inconnu")


@dataclass(frozen=True)
class Passage:
    """Ce que devient un ancien code : ses communes actuelles, le type de changement, l'année."""

    ancien: str
    nom_ancien: str | None
    codes: tuple[str, ...]
    type: str
    annee: int | None

    @property
    def se_partage(self) -> bool:
        """Vrai si l'ancien périmètre est réparti entre plusieurs communes d'aujourd'hui."""
        return self.type == "scission" or len(self.codes) > 1


@lru_cache(maxsize=1)
def passages() -> dict[str, Passage]:
    """Tous les passages connus : ancien code → :class:`Passage`."""
    lue = magasin.lire_table("passage_cog", colonnes=["code_ancien", "nom_ancien", "code", "type", "annee"])
    lue = lue.astype(object).where(lue.notna(), None)
    groupes: dict[str, list[tuple]] = {}
    for ancien, nom, code, sorte, annee in lue.itertuples(index=False, name=None):
        groupes.setdefault(ancien, []).append((nom, code, sorte, annee))
    resultat = {}
    for ancien, lignes in groupes.items():
        cibles = {code for _, code, _, _ in lignes}
        if ancien in fiches()["commune"]:
            cibles.add(ancien)
        annees = [annee for *_, annee in lignes if annee is not None]
        sorte = "scission" if any(ligne[2] == "scission" for ligne in lignes) else lignes[0][2]
        resultat[ancien] = Passage(
            ancien,
            next((nom for nom, *_ in lignes if nom), None),
            tuple(sorted(cibles)),
            sorte,
            int(max(annees)) if annees else None,
        )
    return resultat


@dataclass(frozen=True)
class AncienNom:
    """Un nom officiel que la commune, ou l'EPCI, ne porte plus, et ce qui en tient lieu aujourd'hui (``codes``)."""

    nom: str
    ancien: str
    codes: tuple[str, ...]
    nature: str
    annee: int
    maille: str = "commune"

    @property
    def renommee(self) -> bool:
        """Vrai si toute la commune portait ce nom ; faux si c'était une commune aujourd'hui réunie ou partagée."""
        return self.nature == "renommee"


@lru_cache(maxsize=1)
def anciens_noms() -> tuple[AncienNom, ...]:
    """Tous les anciens noms connus, y compris ceux dont le code est encore celui d'une commune, et ceux des EPCI."""
    groupes: dict[tuple, list[str]] = {}
    for nom, ancien, code, nature, annee in magasin.lire_table("anciens_noms").itertuples(index=False, name=None):
        groupes.setdefault((nom, ancien, nature, annee), []).append(code)
    connus = {
        (nom, ancien): AncienNom(nom, ancien, tuple(codes), nature, int(annee))
        for (nom, ancien, nature, annee), codes in groupes.items()
    }
    ailleurs = autre(geographie())
    communes = table("communes")
    for code, nom in communes.loc[communes["nom"].ne(communes[f"nom_{ailleurs}"]), f"nom_{ailleurs}"].items():
        connus.setdefault((nom, code), AncienNom(nom, code, (code,), "renommee", ailleurs))
    epci = [
        AncienNom(e.nom, e.code, e.codes, _nature(e), ailleurs, "epci")
        for e in epci_ailleurs().values()
        if e.code not in fiches()["epci"] or fiches()["epci"][e.code].nom != e.nom
    ]
    return (*connus.values(), *epci)


def _nature(epci: EpciAilleurs) -> str:
    if epci.code in fiches()["epci"]:
        return "renommee"
    return "fusion" if len(epci.codes) == 1 else "scission"


def message_du_nom(ancien: AncienNom) -> str:
    """La phrase qui annonce qu'on est passé d'un ancien nom au territoire d'aujourd'hui.

    >>> print(message_du_nom(next(a for a in anciens_noms() if a.nom == "Segré")))  # doctest: +NORMALIZE_WHITESPACE
    « Segré » est un ancien nom : les données sont celles de 49331 Segré-en-Anjou Bleu, commune qui la
    contient (COG 2026)
    """
    code = f" (ancien code {ancien.ancien})" if ancien.ancien not in fiches()[ancien.maille] else ""
    contenant = "commune qui la contient" if ancien.maille == "commune" else "intercommunalité qui la contient"
    lien = "qui s'appelait ainsi" if ancien.renommee else contenant
    nouvelle = ancien.codes[0]
    return (
        f"« {ancien.nom} »{code} est un ancien nom : les données sont celles de {nouvelle} "
        f"{fiches()[ancien.maille][nouvelle].nom}, {lien} "
        f"({'COG' if ancien.maille == 'commune' else 'EPCI'} {geographie()})"
    )


def nom_perdu(passage: Passage) -> bool:
    """Vrai si l'ancien nom n'est plus celui d'aujourd'hui sous le même code."""
    actuelle = fiches()["commune"].get(passage.ancien)
    return bool(passage.nom_ancien) and (actuelle is None or actuelle.nom != passage.nom_ancien)


def _designer(code: str, nom: str | None) -> str:
    return f"{code} ({nom})" if nom else code


def message(passage: Passage) -> str:
    """La phrase qui annonce le passage au lecteur.

    >>> print(message(passages()["49069"]))
    49069 (Orée d'Anjou) n'existe plus : les données sont celles de 49126 Orée d'Anjou (COG 2026)
    """
    ancien = _designer(passage.ancien, passage.nom_ancien)
    if passage.se_partage:
        date = f" en {passage.annee}" if passage.annee else ""
        if passage.ancien in passage.codes:
            autres = _dire(code for code in passage.codes if code != passage.ancien)
            renommee = f" (alors {passage.nom_ancien})" if nom_perdu(passage) else ""
            return (
                f"le périmètre de {_dire([passage.ancien])}{renommee} a changé{date} : une partie "
                f"relève désormais de {autres} ; les données plus anciennes peuvent "
                "porter sur l'ensemble"
            )
        return f"{ancien} n'existe plus : son territoire est partagé{date} entre " + _dire(passage.codes)
    texte = f"{ancien} n'existe plus : les données sont celles de {_dire(passage.codes[:1])} (COG {geographie()})"
    return texte if passage.type == "changement_code" else f"{texte}, commune qui la contient"


def a_jour(codes: Iterable[str], *, cog: int | None = None) -> pd.DataFrame:
    """Amène une suite de codes commune au COG 2025, une ligne par code reçu, dans le même ordre.

    Parameters
    ----------
    codes : iterable of str
        Codes commune (5 caractères). Une Series garde son index ; un manquant donne « inconnu ».
    cog : int, optional
        Année du COG des données. Une commune scindée avant cette année, ou cette année-là, est alors
        « actuel » : ses données portent déjà sur le nouveau périmètre.

    Returns
    -------
    pandas.DataFrame
        ``code_origine`` ; ``code_actuel`` (COG 2025, manquant si inconnu ou partagé sans code survivant) ;
        ``nom`` ;
        ``statut`` : « actuel », « passe » (ancien code, une seule commune d'arrivée), « scission » (la
        donnée peut couvrir plusieurs communes d'aujourd'hui, jamais réparties ici), « inconnu » ;
        ``cibles`` (toutes les communes d'arrivée, séparées d'une espace) ; ``annee`` du changement ;
        ``message`` (vide si « actuel »).

    Raises
    ------
    DemandeFausse
        Un code est un nombre : le zéro de tête est peut-être déjà perdu.

    Examples
    --------
    >>> a_jour(["53130", "49069", "99999"])[["code_origine", "code_actuel", "statut"]].values.tolist()
    [['53130', '53130', 'actuel'], ['49069', '49126', 'passe'], ['99999', nan, 'inconnu']]
    """
    if isinstance(codes, str):
        codes = [codes]
    suite = codes if isinstance(codes, pd.Series) else pd.Series(list(codes), dtype=object)
    uniques = {code: _une_ligne(code, cog) for code in suite.astype(object).unique()}
    colonnes = ["code_origine", "code_actuel", "nom", "statut", "cibles", "annee", "message"]
    resultat = pd.DataFrame(
        [uniques[code] for code in suite.astype(object)], columns=colonnes, index=suite.index
    )
    types = dict.fromkeys(colonnes, "str") | {"annee": "Int64"}
    return resultat.astype(types)


def _une_ligne(code, cog: int | None) -> tuple:
    if isinstance(code, str):
        code = code.strip().upper()
    if code == "" or pd.isna(code):
        return (None, None, None, "inconnu", None, None, "code manquant")
    if not isinstance(code, str):
        raise DemandeFausse(
            f"le code commune {code!r} est un nombre",
            attendu="un texte de 5 caractères",
            conseil="lisez la colonne des codes en texte, pour garder le zéro de tête",
        )
    fiche, passage = fiches()["commune"].get(code), passages().get(code)
    if fiche is not None:
        if passage is None or (cog is not None and passage.annee is not None and passage.annee <= cog):
            return (code, code, fiche.nom, "actuel", code, None, None)
        return (code, code, fiche.nom, "scission", " ".join(passage.codes), passage.annee, message(passage))
    if passage is None:
        return (
            code,
            None,
            None,
            "inconnu",
            None,
            None,
            f"{code} n'est ni une commune du COG {geographie()} ni un ancien code connu"
            + (" : a-t-il perdu son zéro de tête ?" if f"0{code}" in fiches()["commune"] else ""),
        )
    if passage.se_partage:
        return (code, None, None, "scission", " ".join(passage.codes), passage.annee, message(passage))
    actuel = passage.codes[0]
    return (code, actuel, fiches()["commune"][actuel].nom, "passe", actuel, passage.annee, message(passage))


# --- Les intercommunalités ---


class EpciAilleurs(NamedTuple):
    """Un EPCI de l'autre géographie : son nom, ses communes, et les EPCI en vigueur où elles sont."""

    code: str
    nom: str
    communes: tuple[str, ...]
    codes: tuple[str, ...]


@lru_cache(maxsize=1)
def epci_ailleurs() -> dict[str, EpciAilleurs]:
    """Les EPCI de l'autre géographie dont le périmètre ou le nom n'est pas celui d'aujourd'hui, par SIREN."""
    annee = autre(geographie())
    membres = table("communes")
    membres = membres[membres["type"].eq("COM")]
    noms = table("epci_ailleurs")["nom"].to_dict()
    connus = {}
    for code in noms:
        siennes = membres[membres[f"epci_{annee}"].eq(code)]
        # De celui qui en a le plus à celui qui en a le moins.
        arrivees = Counter(siennes["epci"].dropna())
        codes = tuple(sorted(arrivees, key=lambda c: (c != code, -arrivees[c], c)))
        connus[code] = EpciAilleurs(code, noms[code], tuple(sorted(siennes["code"])), codes)
    return connus


@lru_cache(maxsize=1)
def perimetres_changes() -> frozenset[str]:
    """SIREN, des deux géographies, dont le périmètre n'est pas le même dans l'une et dans l'autre."""
    return frozenset(epci_ailleurs()) | frozenset(c for e in epci_ailleurs().values() for c in e.codes)


@lru_cache(maxsize=1)
def sirens_connus() -> frozenset[str]:
    """Tous les SIREN d'EPCI, de l'une et de l'autre géographie : ce qu'un fichier peut porter sans être faux."""
    return frozenset(fiches()["epci"]) | frozenset(epci_ailleurs())


def geographie_des(codes: Iterable[str], *, defaut: int) -> int:
    """Géographie d'une liste de SIREN : celle dont elle a les codes propres, sinon celle par défaut.

    >>> geographie_des(["245701362", "200048551"], defaut=2026), geographie_des(["992367730"], defaut=2025)
    (2025, 2026)
    """
    presents, en_cours = set(codes), geographie()
    disparus = set(epci_ailleurs()) - set(fiches()["epci"])
    nouveaux = {c for e in epci_ailleurs().values() for c in e.codes} - set(epci_ailleurs())
    if presents & disparus and not presents & nouveaux:
        return autre(en_cours)
    if presents & nouveaux and not presents & disparus:
        return en_cours
    return defaut


def situer(publiees: pd.DataFrame, *, defaut: int | None = None) -> pd.DataFrame:
    """Donne à chaque ligne d'EPCI la maille de son périmètre : ``epci`` s'il est celui d'aujourd'hui.

    Grandeur par grandeur et année par année. Une ligne publiée pour un périmètre d'une autre géographie prend la
    maille ``epci_2025`` (ou ``epci_2026``) : elle se somme encore avec d'autres, jamais elle ne passe pour celle de
    l'EPCI d'aujourd'hui.

    Parameters
    ----------
    publiees : DataFrame
        ``maille``, ``code``.
    defaut : int, optional
        Géographie de ce que rien ne date ; celle en vigueur par défaut.
    """
    siennes = publiees.loc[publiees["maille"].eq("epci") & publiees["code"].isin(perimetres_changes())]
    if siennes.empty:
        return publiees
    mailles = publiees["maille"].astype(object).copy()
    cles = [c for c in ("variable", "annee", "serie") if c in siennes]
    for _, lignes in siennes.groupby(cles or siennes["maille"], dropna=False):
        annee = geographie_des(lignes["code"], defaut=defaut or geographie())
        if annee != geographie():
            mailles[lignes.index] = f"epci_{annee}"
    return publiees.assign(maille=mailles)


def _dire(codes: Iterable[str], maille: str = "commune") -> str:
    return ", ".join(f"{code} {fiches()[maille][code].nom}" for code in codes)


def message_epci(ancien: EpciAilleurs) -> str:
    """La phrase d'un EPCI disparu dont toutes les communes sont dans un seul EPCI d'aujourd'hui.

    >>> print(message_epci(epci_ailleurs()["241200765"]))  # doctest: +NORMALIZE_WHITESPACE
    241200765 (CC de Lévézou Pareloup) n'existe plus : les données sont celles de 994579670 CC du Lévézou, qui la
    contient (EPCI 2026)
    """
    return (
        f"{ancien.code} ({ancien.nom}) n'existe plus : les données sont celles de "
        f"{_dire(ancien.codes[:1], 'epci')}, qui la contient (EPCI {geographie()})"
    )


def message_du_perimetre(code: str) -> str:
    """Ce qui a changé dans le périmètre d'un EPCI entre les deux géographies ; vide si rien.

    >>> print(message_du_perimetre("241400860"))
    le périmètre de 241400860 CC Cœur de Nacre n'est pas celui de 2025 : avec 14062 Bény-sur-Mer
    >>> message_du_perimetre("200048551")
    ''
    """
    if code not in perimetres_changes() or code not in fiches()["epci"]:
        return ""
    siennes, avant = set(construire("epci", code).communes), epci_ailleurs().get(code)
    annee = autre(geographie())
    if avant is None:
        reunis = [e for e in epci_ailleurs().values() if code in e.codes]
        *premiers, dernier = (f"{e.code} {e.nom}" for e in reunis)
        noms = f"{', '.join(premiers)} et {dernier}" if premiers else dernier
        quand = ("n'existait pas", "étaient") if annee < geographie() else ("n'existe plus", "sont")
        return f"{_dire([code], 'epci')} {quand[0]} en {annee} : ses communes {quand[1]} dans {noms}"
    venues, parties = sorted(siennes - set(avant.communes)), sorted(set(avant.communes) - siennes)
    dits = [f"{mot} {_dire(codes)}" for mot, codes in (("avec", venues), ("sans", parties)) if codes]
    return f"le périmètre de {_dire([code], 'epci')} n'est pas celui de {annee} : {', '.join(dits)}" if dits else ""
