"""Calculer un indicateur sur une table à soi : la même règle que partout, sans entrepôt ni territoire."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cafdiag.donnees import VARIABLES
from cafdiag.donnees.grandeurs import PLACES, grandeurs
from cafdiag.erreurs import DemandeFausse, EntreeFautive
from cafdiag.indicateurs.agregation import rapport
from cafdiag.indicateurs.dictionnaire import choisir, dictionnaire

COLONNES = ("numerateur", "denominateur", "valeur", "bas", "haut", "statut", "motif")
_TROIS_ANS = "enfants_moins_3_ans"
_PLACES = {colonne: libelle for libelle, colonne in PLACES.values()}
_PLACES["places_individuelles"] = "places d'assistants maternels et de garde à domicile, ensemble"
_BORNES = ("bas", "haut")
_CITES = 20


def calculer(table: pd.DataFrame, indicateur: str) -> pd.DataFrame:
    """Un indicateur, ligne par ligne, à partir des grandeurs d'une table à soi.

    Un rapport est ``facteur × numérateur / dénominateur`` ; une part de même, jamais plus que son tout ; une somme est
    la grandeur elle-même ; un taux de couverture, 100 × places / enfants de moins de 3 ans. Chaque formule est dans
    :func:`cafdiag.dictionnaire`. Rien n'est lu ailleurs que dans la table, et rien n'y est masqué : le secret de vos
    données reste à votre charge.

    Parameters
    ----------
    table : DataFrame
        Une ligne par territoire, structure ou année ; index quelconque. Une colonne de nombres par grandeur, sous son
        nom dans le dictionnaire (``numerateur``, ``denominateur``) ; pour un taux de couverture, ``places_eaje``,
        ``places_am``… ou ``places_total``, et ``enfants_moins_3_ans``. Une grandeur arrondie peut porter ses bornes :
        ``foyers_rsa_bas``, ``foyers_rsa_haut``. Une case vide est un manquant, jamais zéro.
    indicateur : str
        Code du dictionnaire.

    Returns
    -------
    DataFrame
        Même index : ``numerateur``, ``denominateur``, ``valeur`` (dans l'unité du dictionnaire), ``bas`` et ``haut``
        (si une borne est donnée ; ``haut`` vide : sans limite), ``statut`` (``exact``, ``arrondi``,
        ``non_disponible``, ``sans_objet``), ``motif``.

    Raises
    ------
    DemandeFausse
        Indicateur inconnu, ou qui ne se calcule pas d'une table : accès, quartiers, écart à la France.
    EntreeFautive
        Colonnes absentes, textes au lieu de nombres, nombres négatifs ou infinis, valeur hors de ses bornes : tout
        d'un coup.

    Notes
    -----
    Un taux ne se moyenne pas : pour un ensemble, sommez d'abord les grandeurs, un manquant rendant la somme manquante
    (``sum(skipna=False)``).

    Examples
    --------
    >>> table = pd.DataFrame({"places_eaje": [65, None, 12], "enfants_moins_3_ans": [707, 300, 0]}, index=list("ABC"))
    >>> calculer(table, "PE_TXCOUV_EAJE")[["valeur", "statut", "motif"]].round(1)
       valeur          statut                        motif
    A     9.2           exact
    B     NaN  non_disponible  places_eaje n'est pas connu
    C     NaN      sans_objet     le dénominateur est nul
    >>> ensemble = table.loc[["A", "C"]].sum(skipna=False).to_frame().T
    >>> calculer(ensemble, "PE_TXCOUV_EAJE")["valeur"].round(1).item()
    10.9
    """
    if not isinstance(table, pd.DataFrame):
        raise DemandeFausse(f"un objet « {type(table).__name__} » pour table", attendu="un DataFrame de pandas")
    (code,) = choisir([indicateur])
    ligne = dictionnaire().loc[code]
    calcul, num, den, facteur = _termes(ligne)
    _controler(table, [v for v in (num, den) if v], ligne["libelle"])
    en_haut = _encadree(table, num)
    if not den:
        return _conclure(en_haut.assign(numerateur=en_haut["valeur"], denominateur=np.nan), num, den, en_haut["haut"])
    en_bas = _encadree(table, den)
    return _conclure(rapport(en_haut, en_bas, facteur=facteur, partie=calcul == "partie"), num, den, en_bas["haut"])


def _termes(ligne: pd.Series) -> tuple[str, str, str, float]:
    """Le calcul, les deux colonnes (la seconde vide pour une somme) et le facteur d'un indicateur."""
    calcul, num, den = ligne["calcul"], ligne["numerateur"], ligne["denominateur"]
    if calcul == "somme":
        return calcul, num, "", 1.0
    if calcul in ("rapport", "partie"):
        return calcul, num, den, float(ligne["facteur"])
    if calcul == "publie":
        return "rapport", "places_total" if num == "txcouv" else num.replace("txcouv", "places", 1), _TROIS_ANS, 100.0
    if calcul == "part_individuel":
        return "partie", "places_individuelles", "places_total", 100.0
    if calcul == "tension":
        return "rapport", _TROIS_ANS, "places_total", 1.0
    raise DemandeFausse(
        f"{ligne['code']} ne se calcule pas d'une table ({ligne['libelle']})",
        attendu="une somme, un rapport, une part ou un taux de couverture ; les autres regardent aussi les communes "
        "voisines, les quartiers, la France ou les années d'avant",
        conseil=f"mesurez un territoire : cd.mesurer('200048551', ['{ligne['code']}'])",
    )


def _controler(table: pd.DataFrame, voulues: list[str], libelle: str) -> None:
    """Refuse la table, tous ses défauts d'un coup."""
    defauts = [f"colonne absente : {nom} ({_dire(nom)})" for nom in voulues if nom not in table]
    negatives = set(grandeurs().query("negatif == 'oui'").index)
    for nom in voulues:
        siennes = [c for c in (nom, *(f"{nom}_{b}" for b in _BORNES)) if c in table]
        fautives = [d for c in siennes for d in _defauts(table, c, negatif=nom in negatives)]
        if not fautives and nom in table:
            t = _encadree(table, nom)
            dehors = t.index[(t["bas"] > t["valeur"]) | (t["valeur"] > t["haut"])]
            fautives = [f"{nom}, ligne {i!r} : la valeur est hors de ses bornes" for i in dehors[:_CITES]]
        defauts += fautives
    if defauts:
        raise EntreeFautive(
            "votre table",
            defauts,
            attendu=f"pour « {libelle} » : {', '.join(voulues)}, en nombres ; colonnes trouvées : "
            + (", ".join(map(str, table.columns[:15])) or "aucune"),
            conseil="renommez vos colonnes (table.rename(columns=…)), faites-en des nombres (pd.to_numeric)",
        )


def _defauts(table: pd.DataFrame, nom: str, *, negatif: bool) -> list[str]:
    serie = table[nom]
    if not isinstance(serie, pd.Series):
        return [f"deux colonnes « {nom} »"]
    if not pd.api.types.is_numeric_dtype(serie) or pd.api.types.is_bool_dtype(serie):
        exemple = next((str(v) for v in serie if pd.notna(v)), "vide")
        return [f"{nom} n'est pas en nombres (« {exemple} »)"]
    nombres = _nombres(serie)
    faux = np.isinf(nombres) | ((nombres < 0) & (not negatif))
    return [f"{nom}, ligne {i!r} : {v:g}" for i, v in zip(table.index[faux], nombres[faux], strict=True)][:_CITES]


def _dire(grandeur: str) -> str:
    return _PLACES.get(grandeur) or VARIABLES[grandeur].libelle


def _nombres(serie: pd.Series) -> np.ndarray:
    return serie.to_numpy(dtype="float64", na_value=np.nan)


def _encadree(table: pd.DataFrame, nom: str) -> pd.DataFrame:
    """Valeur, borne basse, borne haute ; une valeur sans borne est exacte."""
    valeur = _nombres(table[nom])
    colonnes = {"valeur": valeur}
    for borne in _BORNES:
        lue = _nombres(table[f"{nom}_{borne}"]) if f"{nom}_{borne}" in table else valeur
        colonnes[borne] = np.where(np.isnan(lue), valeur, lue)
    return pd.DataFrame(colonnes, index=table.index)


def _conclure(rendu: pd.DataFrame, num: str, den: str, plafond: pd.Series) -> pd.DataFrame:
    """Ajoute le statut et le motif ; ``plafond`` : le plus grand dénominateur possible."""
    connu = rendu["valeur"].notna()
    encadre = rendu["haut"].ne(rendu["valeur"]) | rendu["bas"].ne(rendu["valeur"])
    # Un effectif arrondi à zéro n'est pas « sans objet » : il y en a peut-être deux.
    nul, peut_etre_nul = (rendu["denominateur"].eq(0) & p for p in (plafond.eq(0), plafond.gt(0)))
    sans_num, sans_den = rendu["numerateur"].isna(), rendu["denominateur"].isna() & bool(den)
    return rendu.assign(
        bas=rendu["bas"].where(connu & encadre),
        haut=rendu["haut"].where(connu & encadre),
        statut=np.select([nul, connu & encadre, connu], ["sans_objet", "arrondi", "exact"], "non_disponible"),
        motif=np.select(
            [nul, peut_etre_nul, connu, sans_num, sans_den],
            ["le dénominateur est nul", "le dénominateur est arrondi à zéro", "", f"{num} n'est pas connu",
             f"{den} n'est pas connu"],
            "la partie dépasse son tout : à vérifier",
        ),
    )[list(COLONNES)]
