"""Insee, recensement : population par âge, enfants selon la famille et l'emploi des parents ; rendus à la commune.

Les fichiers de Melodi ont une ligne par territoire, année et modalités : des millions, dont on ne charge que celles
des communes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from cafdiag.donnees.compte_rendu import Brut, Lecture
from cafdiag.donnees.lecteurs import Lecteur
from cafdiag.donnees.lecteurs.chantier import (
    COMMUNE,
    HORS_COMMUNE,
    INCONNUE,
    REPETEE,
    Chantier,
    a_colonnes,
    exiger,
    millesime_cache,
    ouvrir,
    refuser,
    siecle,
    simple,
    trouver,
    trouver_tout,
)
from cafdiag.donnees.tableurs import apercu, lire_tableau
from cafdiag.donnees.tri import Trie, trier

TOTAL = "_T"
_NIVEAU = r"geo_object|nivgeo|niveau"
# Ce qui n'est pas une dimension où chercher un total.
_SANS_TOTAL = rf"{_NIVEAU}|geo|time_period|freq|obs_\w+|\w*measure|conf_status|unit\w*|decimals"


def lire_forme_longue(
    chemin: Path,
    vu: Brut,
    jeu: str,
    *,
    utiles: Mapping[str, Collection[str]] | None = None,
    feuille: str | None = None,
    annee: int | None = None,
) -> Chantier:
    """Les lignes de communes et d'arrondissements, toutes les autres dimensions au total ; le reste est compté.

    Parameters
    ----------
    vu : Brut
        Le début du fichier.
    jeu : str
        Table de l'entrepôt.
    utiles : mapping of str to collection of str, optional
        Dimension → modalités voulues ; les autres dimensions sont prises à leur total (``_T``), s'il y est.
    """
    voulues = {nom: set(m) for nom, m in (utiles or {}).items()}
    niveau = trouver(vu.entete, _NIVEAU)
    autres = [n for n in vu.entete if n not in voulues and not re.fullmatch(_SANS_TOTAL, simple(n))]
    # Sommer un détail et son total compterait double ; sans total, le détail est tout ce qu'on a.
    if niveau is None:
        chantier = Chantier(lire_tableau(chemin, feuille=feuille), jeu, annee=annee)
        totaux = {n: {TOTAL} for n in autres if chantier.brut.table[n].eq(TOTAL).any()}
        for nom, modalites in {**voulues, **totaux}.items():
            chantier.mettre_de_cote(~chantier.brut.table[nom].isin(modalites), _raison(nom, voulues))
        return chantier

    def lire(totaux: list[str]) -> Trie:
        return trier(chemin, colonnes=lambda _: True, par=niveau, valeurs={"COM", "ARM"}, suivies=autres,
                     aussi={**voulues, **{n: {TOTAL} for n in totaux}}, feuille=feuille)

    trie = lire(autres)
    if sans_total := [n for n in autres if TOTAL not in trie.vus[n]]:
        trie = lire([n for n in autres if n not in sans_total])
    chantier = Chantier(trie.brut, jeu, annee=annee)
    chantier.deja_de_cote(HORS_COMMUNE, sum(trie.de_cote.values()))
    for nom, nombre in trie.hors_tri.items():
        chantier.deja_de_cote(_raison(nom, voulues), nombre)
    return chantier


def _raison(nom: str, utiles: dict[str, set[str]]) -> str:
    return "hors du champ d'une Caf" if nom in utiles else f"détail de {nom} (le total est déjà dans le fichier)"


# --- Âges ---


SOURCE = "Insee, recensement de la population"
_IRIS = (r"(code_)?iris", r"dcomiris|dciris")
# P22_POP0002 (2022), p21_pop0019, POP_0_19 ; la population entière n'a pas d'âge.
_TRANCHE = r"p(?P<an>\d\d)_pop(?P<de>\d\d)(?P<a>\d\d|p)"
_TRANCHE_SANS_AN = r"pop_(?P<de>\d{1,2})_(?P<a>\d{1,2})|pop_(?P<de2>\d{2})p"
_TOTAL = r"p(?P<an>\d\d)_pop|pop"
# Les tranches qu'un diagnostic emploie ; les autres servent à vérifier que la somme fait le total.
_UTILES = {(0, 2), (3, 5), (6, 10), (11, 17), (18, 24), (0, 14), (0, 19), (0, 4), (5, 9), (10, 14), (15, 19)}
_COLONNES_POP1B = {"nivgeo", "codgeo", "sexe", "aged100", "age100", "nb", "obs_value", "valeur", "annee"}
_POP1B = {"0_2": (0, 2), "3_5": (3, 5), "6_10": (6, 10), "11_17": (11, 17), "3_11": (3, 11), "0_4": (0, 4),
          "5_9": (5, 9), "10_14": (10, 14), "15_19": (15, 19), "0_19": (0, 19)}


def _tranches(entete: list[str]) -> dict[str, tuple[int | None, int, int]]:
    """Colonne → (année ou None, premier âge, dernier âge ; 200 si la tranche est ouverte)."""
    resultat: dict[str, tuple[int | None, int, int]] = {}
    for nom, m in trouver_tout(entete, _TRANCHE).items():
        resultat[nom] = (siecle(m["an"]), int(m["de"]), 200 if m["a"] == "p" else int(m["a"]))
    if not resultat:
        for nom, m in trouver_tout(entete, _TRANCHE_SANS_AN).items():
            de = m["de"] or m["de2"]
            resultat[nom] = (None, int(de), int(m["a"]) if m["a"] else 200)
    return resultat


def reconnait_iris(brut: Brut) -> bool:
    """IRIS, commune et au moins une tranche d'âge."""
    return bool(trouver(brut.entete, *_IRIS) and trouver(brut.entete, *COMMUNE) and _tranches(brut.entete))


def reconnait_tranches(brut: Brut) -> bool:
    """Une ligne par commune, des tranches d'âge en colonnes (base-cc-evol-struct-pop)."""
    return bool(not trouver(brut.entete, *_IRIS) and trouver(brut.entete, *COMMUNE)
                and trouver_tout(brut.entete, _TRANCHE))


def _voulue(nom: str) -> bool:
    nu = simple(nom)
    return bool(re.fullmatch(rf"{_TOTAL}|{_IRIS[0]}|{_IRIS[1]}|com|depcom|codgeo", nu)
                or re.fullmatch(_TRANCHE, nu) or re.fullmatch(_TRANCHE_SANS_AN, nu))


def lire_iris(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Âges par IRIS sommés à la commune ; 0-2, 3-5, 6-10, 11-17 ans dans la base officielle.

    Une commune dont un IRIS manque de valeur reste vide. Une ligne mal formée fait refuser le fichier :
    elle rendrait faux, sans qu'on sache où, le total d'une commune.
    """
    # Les 64 colonnes par sexe, profession ou nationalité ne sont pas chargées.
    chantier = ouvrir(chemin, "communes", feuille=feuille, annee=annee, colonnes=_voulue,
                      nombres=lambda nom: bool(re.match(r"p\d\d_pop|pop", simple(nom))), iris=_IRIS, commune=COMMUNE)
    brut, roles = chantier.brut, chantier.roles
    chantier.exiger_entier()
    codes = chantier.codes()
    iris = brut.table[roles["iris"]]
    # L'IRIS commence par le code de sa commune : un chiffre abîmé dans l'un se voit dans l'autre.
    longs = iris if iris.str.len().ge(9).all() else iris.str.zfill(9)
    prefixe = longs.str.slice(0, 5)
    chantier.rejeter(prefixe != codes, "le code IRIS ne commence pas par celui de la commune", iris)
    chantier.sans_rejet("une ligne fausse fausserait le total de sa commune", sauf=(INCONNUE,))
    return _par_commune(chantier, codes, cle=iris)


def lire_tranches(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Tranches d'âge par commune (0-14 ans…) : pas de 0-2 ans, mais 0-14 et 0-19."""
    chantier = ouvrir(chemin, "communes", feuille=feuille, annee=annee, colonnes=_voulue, commune=COMMUNE)
    codes = chantier.codes()
    return _par_commune(chantier, codes, cle=codes)


def _par_commune(chantier: Chantier, codes: pd.Series, *, cle: pd.Series) -> Lecture:
    brut = chantier.brut
    tranches = _tranches(brut.entete)
    # Sans copie : ce sont les colonnes mêmes du fichier, qu'on ne modifie pas.
    valeurs = pd.DataFrame({nom: chantier.nombres(nom)[0] for nom in brut.table
                            if nom in tranches or re.fullmatch(_TOTAL, simple(nom))}, copy=False)
    chantier.sans_doublon([cle], valeurs)
    _controler_sommes(chantier, tranches, valeurs, cle)
    if not cle.equals(codes):
        chantier.sans_rejet("un IRIS écarté fausserait le total de sa commune",
                            sauf=(REPETEE, INCONNUE))
    chantier.refuser_si_vide("une ligne par IRIS ou par commune")
    garde = chantier.garde
    totaux = {nom: m["an"] for nom, m in trouver_tout(brut.table.columns, _TOTAL).items()}
    utiles = [*totaux, *(nom for nom, (_, *ages) in tranches.items() if tuple(ages) in _UTILES)]
    somme = _sommes(valeurs[utiles], codes, garde)
    sans_an = next((nom for nom, an in totaux.items() if an is None), None)
    an_cache = None
    if any(an is None for an, *_ in tranches.values()):
        an_cache = millesime_cache(chantier, somme[sans_an] if sans_an else None)
    noms = {nom: f"pop_{siecle(an) if an else an_cache}" for nom, an in totaux.items()}
    noms |= {nom: f"pop_{an or an_cache}_{de}_{a}" for nom, (an, de, a) in tranches.items() if (de, a) in _UTILES}
    table = somme[list(noms)].rename(columns=noms).rename_axis("code").reset_index()
    annees = sorted({int(n.split("_")[1]) for n in noms.values()})
    table = chantier.au_cog(table, additives=[c for c in table if c != "code"])
    return chantier.rendre(table, annees=annees, source=SOURCE, millesime=f"RP {annees[-1]}")


def _sommes(valeurs: pd.DataFrame, codes: pd.Series, garde: np.ndarray) -> pd.DataFrame:
    """Sommes par commune des lignes gardées ; une somme à qui il manque un terme n'est pas publiée.

    >>> valeurs = pd.DataFrame({"n": [1.0, 2.0, 4.0, np.nan]})
    >>> _sommes(valeurs, pd.Series(["b", "b", "a", "c"]), np.array([True] * 4))["n"].tolist()
    [3.0, 4.0, nan]
    """
    tout = bool(garde.all())
    rangs, uniques = pd.factorize(codes if tout else codes[garde])
    return pd.DataFrame(
        {nom: np.bincount(rangs, weights=valeurs[nom].to_numpy() if tout else valeurs[nom].to_numpy()[garde],
                          minlength=len(uniques)) for nom in valeurs},
        index=pd.Index(uniques, dtype="str"))


def _controler_sommes(chantier: Chantier, tranches: dict, valeurs: pd.DataFrame, cle: pd.Series) -> None:
    """Des tranches qui se suivent de 0 à l'infini doivent faire la population : sinon la ligne est abîmée."""
    totaux = trouver_tout(valeurs.columns, _TOTAL)
    for total, m in totaux.items():
        an = siecle(m["an"]) if m["an"] else None
        suites = _suites([(de, a, nom) for nom, (v, de, a) in tranches.items() if v == an and nom in valeurs])
        for suite in suites:
            colonnes = [valeurs[nom].to_numpy() for nom in (*suite, total)]
            ecart = np.abs(sum(colonnes[:-1]) - colonnes[-1])
            entieres = ~np.isnan(ecart)
            entiers = all(not np.mod(colonne[entieres], 1).any() for colonne in colonnes)
            fausses = ecart > (0.5 * (len(suite) + 1) if entiers else 0.05)
            chantier.rejeter(fausses, "la somme des âges ne fait pas la population", cle)


def _suites(bornes: list[tuple[int, int, str]]) -> list[list[str]]:
    """Chemins de tranches jointives de 0 à l'infini (un par découpage publié)."""
    par_debut: dict[int, list[tuple[int, str]]] = {}
    for de, a, nom in bornes:
        par_debut.setdefault(de, []).append((a, nom))
    finies: list[list[str]] = []
    ouvertes: list[tuple[int, list[str]]] = [(0, [])]
    while ouvertes:
        age, suite = ouvertes.pop()
        for a, nom in par_debut.get(age, []):
            if a == 200:
                finies.append([*suite, nom])
            else:
                ouvertes.append((a + 1, [*suite, nom]))
    # Chaque découpage une fois : le plus fin couvre les colonnes utiles.
    finies.sort(key=len, reverse=True)
    return finies[:3]


def lire_pop1b(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Âge par âge (POP1B) : hommes et femmes sommés, toutes les tranches d'enfants dont 3-11 ans."""
    chantier = ouvrir(chemin, "communes", feuille=feuille, annee=annee,
                      colonnes=lambda n: simple(n) in _COLONNES_POP1B,
                      commune=COMMUNE, age=(r"aged?100",), effectif=(r"nb|obs_value|valeur",))
    brut, roles = chantier.brut, chantier.roles
    chantier.exiger_entier()
    if niveau := trouver(brut.entete, "nivgeo"):
        autre = ~brut.table[niveau].isin(["COM", "ARM"])
        chantier.rejeter(autre, HORS_COMMUNE, brut.table[niveau])
    codes = chantier.codes()
    age = pd.to_numeric(brut.table[roles["age"]], errors="coerce")
    chantier.rejeter(~age.between(0, 120), "âge illisible", brut.table[roles["age"]])
    nb, statuts = chantier.nombres(roles["effectif"])
    chantier.rejeter(statuts.ne("exact"), "effectif manquant", brut.table[roles["effectif"]])
    an = chantier.annee_unique(nom) if (nom := trouver(brut.entete, "annee")) else 0
    # Un code inconnu pour de bon a une ligne par âge ; un code abîmé n'en a qu'une.
    isoles = codes.isin(chantier.inconnus) & codes.map(codes.value_counts()).lt(20)
    chantier.sans_rejet("une ligne fausse fausserait le total de sa commune",
                        sauf=(HORS_COMMUNE,) if isoles.any() else (HORS_COMMUNE, INCONNUE))
    cles = [codes, brut.table[roles["age"]]]
    if sexe := trouver(brut.entete, "sexe"):
        # 1 et 2 : les deux sexes ; un total « 3 », « T » les compterait deux fois.
        chantier.rejeter(~brut.table[sexe].isin(["1", "2", "M", "F", "H"]), "total des deux sexes",
                         brut.table[sexe])
        cles.append(brut.table[sexe])
    elif pd.concat(cles, axis=1).duplicated().any():
        raise refuser(brut, "colonne absente : SEXE, alors que chaque âge a deux lignes")
    chantier.sans_doublon(cles, nb.to_frame("nb"))
    # Presque toutes les communes ont autant de lignes : celle qui en a moins a été coupée.
    lignes = codes[chantier.garde].value_counts()
    if len(lignes) and lignes.eq(lignes.mode()[0]).mean() > 0.5:
        chantier.rejeter(codes.isin(lignes.index[lignes < lignes.mode()[0]]), "commune à qui il manque des âges",
                         codes)
    chantier.refuser_si_vide("NIVGEO;CODGEO;SEXE;AGED100;NB")
    garde = chantier.garde
    fiche = pd.DataFrame({"code": codes[garde].to_numpy(), "age": age[garde].to_numpy(dtype="int16"),
                          "nb": nb[garde].to_numpy()})
    population = fiche.groupby("code")["nb"].sum()
    an = an or millesime_cache(chantier, population)
    table = pd.DataFrame({f"pop_{an}": population})
    jeunes = fiche[fiche["age"] <= 19]
    for nom, (de, a) in _POP1B.items():
        tranche = jeunes[jeunes["age"].between(de, a)].groupby("code")["nb"].sum()
        table[f"pop_{an}_{nom}"] = tranche.reindex(table.index, fill_value=0.0)
    table = table.rename_axis("code").reset_index()
    table = chantier.au_cog(table, additives=[c for c in table if c != "code"])
    return chantier.rendre(table, annees=[an], source=SOURCE, millesime=f"RP {an}")


def ages_melodi(code: str) -> tuple[int, int] | None:
    """Bornes d'un code d'âge de Melodi.

    >>> ages_melodi("Y_LT20"), ages_melodi("Y5T9"), ages_melodi("Y_GE65"), ages_melodi("_T")
    ((0, 19), (5, 9), (65, 200), (0, 200))
    """
    if code == "_T":
        return (0, 200)
    if m := re.fullmatch(r"Y_LT(\d+)", code):
        return (0, int(m[1]) - 1)
    if m := re.fullmatch(r"Y_GE(\d+)", code):
        return (int(m[1]), 200)
    if m := re.fullmatch(r"Y(\d+)T(\d+)", code):
        return (int(m[1]), int(m[2]))
    if m := re.fullmatch(r"Y(\d+)", code):
        return (int(m[1]), int(m[1]))
    return None


def lire_ages_long(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Population par âge en forme longue (DS_RP_…), à la commune : âge par âge, sinon par tranche.

    Le tableau détaillé a douze millions de lignes, de tous les niveaux : seules celles des communes, hommes et femmes
    ensemble, sont chargées. Âge par âge, la somme doit faire le total que le fichier publie.
    """
    vu = apercu(chemin, feuille=feuille)
    roles = exiger(vu, geo=("geo",), age=("age",), annee=("time_period",), valeur=("obs_value",))
    chantier = lire_forme_longue(chemin, vu, "communes", utiles={roles["age"]: AGES}, feuille=feuille, annee=annee)
    brut = chantier.brut
    chantier.exiger_entier()
    ages = brut.table[roles["age"]]
    bornes = {c: b for c in ages.unique() if (b := ages_melodi(c)) is not None}
    par_age = any(b[0] == b[1] for b in bornes.values())
    utiles = {c for c, b in bornes.items() if (_est_un_age(b) if par_age else b in _UTILES or b == _TOUS)}
    chantier.mettre_de_cote(~ages.isin(utiles), "tranche d'âge hors du champ d'une Caf")
    codes = chantier.codes_geo(roles["geo"])
    ans = chantier.annees(brut.table[roles["annee"]])
    valeurs, _ = chantier.nombres(roles["valeur"])
    # Sans total des deux sexes, hommes et femmes s'ajoutent.
    sexe = trouver(brut.entete, "sex|sexe")
    cles = [codes, ans.astype("str"), ages, *([brut.table[sexe]] if sexe else [])]
    chantier.sans_doublon(cles, valeurs.to_frame("v"))
    chantier.refuser_si_vide("des lignes GEO_OBJECT = COM")
    garde = chantier.garde
    rangs, uniques = pd.factorize(ages[garde])
    fiche = pd.DataFrame({"code": codes[garde].to_numpy(), "an": ans[garde].to_numpy(dtype="int32"),
                          "de": np.array([bornes[u][0] for u in uniques])[rangs],
                          "a": np.array([bornes[u][1] for u in uniques])[rangs], "v": valeurs[garde].to_numpy()})
    fiche = fiche.groupby(["code", "an", "de", "a"], as_index=False)["v"].sum(skipna=False)
    if par_age:
        fausses = _sommes_fausses(fiche)
        if fausses:
            chantier.rejeter(codes.isin(fausses), "la somme des âges n'est pas le total de la commune", codes)
            chantier.refuser_si_vide("des âges dont la somme fait le total")
            fiche = fiche[~fiche["code"].isin(fausses)]
    table = pd.DataFrame(_colonnes_par_age(fiche) if par_age else _colonnes_par_tranche(fiche))
    table = table.rename_axis("code").reset_index()
    annees = sorted(int(a) for a in fiche["an"].unique())
    table = chantier.au_cog(table, additives=[c for c in table if c != "code"])
    return chantier.rendre(table, annees=annees, source=SOURCE, millesime=f"RP {annees[-1]}")


_TOUS = (0, 200)
_SEULS = (*(f"Y{age}" for age in range(101)), *(f"Y_GE{age}" for age in range(95, 101)))
_TRANCHES_UTILES = (f"Y_LT{a + 1}" if de == 0 else f"Y{de}T{a}" for de, a in sorted(_UTILES))
AGES = frozenset({TOTAL, *_SEULS, *_TRANCHES_UTILES, *(f"Y{de}T{a}" for de, a in _UTILES)})


def _est_un_age(bornes: tuple[int, int]) -> bool:
    """Un âge seul, le dernier âge ouvert (100 ans ou plus), ou le total."""
    return bornes[0] == bornes[1] or bornes == _TOUS or (bornes[1] == 200 and bornes[0] >= 95)


def _sommes_fausses(fiche: pd.DataFrame) -> set[str]:
    """Communes dont un âge manque : la somme des âges n'y fait pas le total publié, à un demi pour cent près."""
    total = fiche["de"].eq(0) & fiche["a"].eq(200)
    cle = ["code", "an"]
    attendu = fiche[total].groupby(cle)["v"].sum(skipna=False)
    somme = fiche[~total].groupby(cle)["v"].sum(skipna=False)
    ecart = (somme.reindex(attendu.index) - attendu).abs()
    justes = ecart.le(np.maximum(0.5, 0.005 * attendu))
    sans_total = somme.index.difference(attendu.index)
    return {*justes.index[~justes].get_level_values("code"), *sans_total.get_level_values("code")}


def _colonnes_par_age(fiche: pd.DataFrame) -> dict[str, pd.Series]:
    colonnes = {}
    for an, siennes in fiche.groupby("an"):
        # La somme est vérifiée : un âge sans ligne n'a personne.
        colonnes[f"pop_{an}"] = siennes[siennes["a"].eq(200) & siennes["de"].eq(0)].set_index("code")["v"]
        jeunes = siennes[siennes["a"] < 25]
        for nom, (de, a) in {**_POP1B, "18_24": (18, 24)}.items():
            tranche = jeunes[jeunes["de"].between(de, a)].groupby("code")["v"].sum()
            colonnes[f"pop_{an}_{nom}"] = tranche.reindex(colonnes[f"pop_{an}"].index, fill_value=0.0)
    return colonnes


def _colonnes_par_tranche(fiche: pd.DataFrame) -> dict[str, pd.Series]:
    return {f"pop_{an}" + ("" if (de, a) == _TOUS else f"_{de}_{a}"): siennes.set_index("code")["v"]
            for (an, de, a), siennes in fiche.groupby(["an", "de", "a"])}


# --- Familles ---


SOURCE_FAMILLES = "Insee, recensement de la population (exploitation complémentaire)"
AGES_DES_ENFANTS = {"Y_LT2": "0_1", "Y2T5": "2_5"}
# Type de famille et emploi : un père seul, une mère seule, un couple ; chaque enfant est dans une case et une seule.
EN_EMPLOI = ("A111", "A121", "A221")
SANS_EMPLOI = ("A112", "A122", "A222", "A223", "A224")
MONOPARENTALES = ("A111", "A112", "A121", "A122")
_FAMILLES = (*EN_EMPLOI, *SANS_EMPLOI)


def reconnait_familles(brut: Brut) -> bool:
    """Forme longue de Melodi, avec le type de famille et l'âge des enfants."""
    return all(trouver(brut.entete, nom) for nom in ("geo", "tfn", "age", "obs_value"))


def lire_activite_des_parents(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Enfants de moins de 2 ans, et de 2 à 5 ans, selon le type de famille et l'emploi des parents.

    Une case absente n'est zéro que si les autres font le total publié de la commune ; sinon l'âge reste vide.
    """
    vu = apercu(chemin, feuille=feuille)
    roles = exiger(vu, geo=("geo",), famille=("tfn",), age=("age",), annee=("time_period",), valeur=("obs_value",))
    utiles = {roles["age"]: set(AGES_DES_ENFANTS), roles["famille"]: {TOTAL, *_FAMILLES}}
    chantier = lire_forme_longue(chemin, vu, "communes", utiles=utiles, feuille=feuille, annee=annee)
    chantier.exiger_entier()
    table = chantier.brut.table
    codes = chantier.codes_geo(roles["geo"])
    ans = chantier.annees(table[roles["annee"]])
    valeurs, _ = chantier.nombres(roles["valeur"])
    ages, familles = table[roles["age"]], table[roles["famille"]]
    chantier.sans_doublon([codes, ans.astype("str"), ages, familles], valeurs.to_frame("v"))
    chantier.refuser_si_vide("des lignes GEO_OBJECT = COM, AGE = Y_LT2 ou Y2T5, TFN = A111 à A224")
    fiche = pd.DataFrame({"code": codes, "an": ans, "age": ages.map(AGES_DES_ENFANTS), "famille": familles,
                          "v": valeurs})
    par_case = fiche[chantier.garde].pivot(index=["code", "an", "age"], columns="famille", values="v")
    large = _compter(par_case.reindex(columns=[TOTAL, *_FAMILLES]))
    annees = sorted(int(a) for a in large.index.unique("an"))
    colonnes = {f"enfants_{an}_{age}_{nom}": siennes.droplevel(["an", "age"])[nom]
                for (an, age), siennes in large.groupby(level=["an", "age"]) for nom in large}
    rendue = pd.DataFrame(colonnes).rename_axis("code").reset_index()
    muettes = int(rendue.drop(columns="code").isna().any(axis=1).sum())
    if muettes:
        chantier.remarques.append(f"{muettes} communes à qui il manque une case de famille : laissées vides")
    rendue = chantier.au_cog(rendue, additives=[c for c in rendue if c != "code"])
    return chantier.rendre(rendue, annees=annees, source=SOURCE_FAMILLES, millesime=f"RP {annees[-1]}")


def _compter(cases: pd.DataFrame) -> pd.DataFrame:
    """Enfants en famille, de parents tous en emploi, de familles monoparentales ; vides si une case peut manquer."""
    detail = cases[list(_FAMILLES)]
    # Des effectifs de sondage, non entiers : le total est juste à l'arrondi près.
    complet = detail.notna().all(axis=1) | (detail.sum(axis=1) - cases[TOTAL]).abs().le(0.5)
    sommes = {"famille": _FAMILLES, "emploi": EN_EMPLOI, "mono": MONOPARENTALES}
    return pd.DataFrame({nom: detail[list(siennes)].sum(axis=1).where(complet) for nom, siennes in sommes.items()})


LECTEURS = (
    Lecteur("insee_age_iris", "population par âge à l'IRIS", lambda b: 0.9 * reconnait_iris(b), lire_iris,
            ("IRIS", "COM", "P22_POP", "P22_POP0002")),
    Lecteur("insee_age_tranches", "population par tranche d'âge, communes",
            lambda b: 0.9 * reconnait_tranches(b), lire_tranches, ("CODGEO", "P22_POP", "P22_POP0014")),
    Lecteur("insee_pop1b", "population par sexe et âge détaillé", a_colonnes(0.95, r"aged?100", r"nb|obs_value|valeur"),
            lire_pop1b, ("CODGEO", "SEXE", "AGED100", "NB")),
    Lecteur("insee_age_melodi", "population par âge, forme longue", a_colonnes(0.9, "geo", "age", "obs_value"),
            lire_ages_long, ("GEO", "SEX", "AGE", "TIME_PERIOD", "OBS_VALUE")),
    Lecteur("insee_activite_des_parents", "enfants de moins de 6 ans selon l'emploi des parents",
            lambda b: 0.95 * reconnait_familles(b), lire_activite_des_parents,
            ("GEO", "GEO_OBJECT", "AGE", "TFN", "OBS_VALUE")),
)
