"""L'accessibilité : qui est à portée de quoi, et combien il en revient à chacun (2SFCA).

Fonctions pures sur des points en mètres (:func:`cafdiag.donnees.projections.projeter`) : ``x``, ``y`` et
``zone``. Les distances sont à vol d'oiseau ; une durée est estimée, jamais un temps de route mesuré.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

# La route est plus longue que le vol d'oiseau : convention du projet, dite à côté de chaque durée.
DETOUR = 1.3
# Au-delà de tout territoire : deux zones de projection ne sont jamais voisines.
_ENTRE_ZONES = 1e8
PALIERS = {
    "binaire": lambda seuil: ((seuil, 1.0),),
    "paliers": lambda seuil: ((2 * seuil / 3, 1.0), (seuil, 2 / 3), (4 * seuil / 3, 1 / 3)),
}


@dataclass(frozen=True)
class Voisinage:
    """Couples (origine, lieu) à portée l'un de l'autre, et ce que coûte d'aller de l'un à l'autre.

    Attributes
    ----------
    origines, lieux : Index
        Codes des origines (où l'on habite) et des lieux (où est l'offre).
    i, j : ndarray of int
        Rang de l'origine et du lieu de chaque couple : une matrice creuse, sans ses zéros.
    cout : ndarray of float
        Mètres, ou minutes, de chaque couple.
    """

    origines: pd.Index
    lieux: pd.Index
    i: np.ndarray
    j: np.ndarray
    cout: np.ndarray

    def en_minutes(self, *, vitesse_kmh: float) -> Voisinage:
        """Le même voisinage, en minutes estimées (:func:`minutes`)."""
        duree = minutes(self.cout, vitesse_kmh=vitesse_kmh)
        return Voisinage(self.origines, self.lieux, self.i, self.j, duree)


def minutes(metres: np.ndarray | pd.Series, *, vitesse_kmh: float):
    """Durée estimée, en minutes : ``distance × détour / vitesse``.

    Examples
    --------
    >>> minutes(np.array([0.0, 5000.0]), vitesse_kmh=50).tolist()
    [0.0, 7.8]
    """
    return metres * DETOUR * 60 / (1000 * vitesse_kmh)


def metres(duree: float, *, vitesse_kmh: float) -> float:
    """Distance à vol d'oiseau, en mètres, parcourue en tant de minutes : l'inverse de :func:`minutes`.

    >>> metres(7.8, vitesse_kmh=50)
    5000.0
    """
    return duree * 1000 * vitesse_kmh / (60 * DETOUR)


def _arbre(points: pd.DataFrame):
    """Arbre des points situés, et leurs rangs ; la zone écarte ce qui ne se mesure pas ensemble."""
    # scipy.spatial coûte un tiers de seconde : seulement si l'on mesure des distances.
    from scipy.spatial import cKDTree

    situes = np.flatnonzero(points[["x", "y"]].notna().all(axis=1).to_numpy())
    xy = points[["x", "y"]].to_numpy(dtype=float)[situes]
    if "zone" in points.columns:
        xy[:, 0] += _ENTRE_ZONES * points["zone"].to_numpy(dtype=float)[situes]
    # Des points fixes, cherchés une fois : équilibrer l'arbre coûterait plus que cela ne rapporte.
    return cKDTree(xy, compact_nodes=False, balanced_tree=False), situes


def autour(points: pd.DataFrame, centre: pd.DataFrame, *, marge_m: float) -> pd.DataFrame:
    """Points du rectangle qui contient le centre et une marge : de quoi ne pas chercher dans toute la France.

    Examples
    --------
    >>> points = pd.DataFrame({"x": [0.0, 3000.0, 9000.0], "y": 0.0}, index=["a", "b", "c"])
    >>> autour(points, points.loc[["a"]], marge_m=5000).index.tolist()
    ['a', 'b']
    """
    xy, du_centre = (t[["x", "y"]].to_numpy(dtype=float) for t in (points, centre))
    du_centre = du_centre[~np.isnan(du_centre).any(axis=1)]
    if not len(du_centre):
        return points.iloc[:0]
    bas, haut = du_centre.min(axis=0) - marge_m, du_centre.max(axis=0) + marge_m
    return points[((xy >= bas) & (xy <= haut)).all(axis=1)]


def voisiner(origines: pd.DataFrame, lieux: pd.DataFrame, *, rayon_m: float) -> Voisinage:
    """Couples origine-lieu à ``rayon_m`` mètres au plus, à vol d'oiseau.

    Parameters
    ----------
    origines, lieux : DataFrame
        ``x``, ``y`` en mètres, et ``zone`` s'il y a plusieurs projections ; indexés par code.
    rayon_m : float
        Distance au plus.

    Returns
    -------
    Voisinage
        Coût en mètres. Un point sans coordonnées n'est le voisin de personne.

    Examples
    --------
    >>> points = pd.DataFrame({"x": [0.0, 3000.0], "y": [0.0, 4000.0]}, index=["a", "b"])
    >>> v = voisiner(points, points.loc[["a"]], rayon_m=5000)
    >>> [(v.origines[i], v.lieux[j], c) for i, j, c in zip(v.i, v.j, v.cout.tolist())]
    [('a', 'a', 0.0), ('b', 'a', 5000.0)]
    """
    (de, rangs_i), (vers, rangs_j) = _arbre(origines), _arbre(lieux)
    if not len(rangs_i) or not len(rangs_j):
        rien = np.array([], dtype=int)
        return Voisinage(origines.index, lieux.index, rien, rien, rien.astype(float))
    couples = de.sparse_distance_matrix(vers, rayon_m, output_type="ndarray")
    return Voisinage(origines.index, lieux.index, rangs_i[couples["i"]], rangs_j[couples["j"]], couples["v"])


def au_plus_proche(origines: pd.DataFrame, lieux: pd.DataFrame) -> pd.Series:
    """Distance en mètres, à vol d'oiseau, de chaque origine au lieu le plus proche de sa zone.

    Returns
    -------
    Series
        Même index qu'``origines`` ; manquante si le point n'est pas situé, ou s'il n'y a aucun lieu.

    Examples
    --------
    >>> points = pd.DataFrame({"x": [0.0, 3000.0], "y": [0.0, 4000.0]}, index=["a", "b"])
    >>> au_plus_proche(points, points.loc[["a"]]).to_dict()
    {'a': 0.0, 'b': 5000.0}
    """
    (de, rangs_i), (vers, rangs_j) = _arbre(origines), _arbre(lieux)
    distance = np.full(len(origines), np.nan)
    if len(rangs_i) and len(rangs_j):
        trouvees, _ = vers.query(de.data)
        # Un lieu d'une autre zone n'est pas un lieu.
        distance[rangs_i] = np.where(trouvees < _ENTRE_ZONES / 2, trouvees, np.nan)
    return pd.Series(distance, index=origines.index)


def proximite_par_commune(
    points: pd.DataFrame, equipement: pd.Series, *, cibles: pd.Index | None = None
) -> pd.DataFrame:
    """Distance de chaque commune à la commune équipée la plus proche, et à celle qui l'est peut-être.

    Parameters
    ----------
    points : DataFrame
        ``x``, ``y``, ``zone`` des communes, indexés par code.
    equipement : Series
        Nombre d'équipements par commune ; manquant si la source ne dit rien.
    cibles : Index, optional
        Communes à situer ; toutes par défaut.

    Returns
    -------
    DataFrame
        ``connu`` et ``possible``, en mètres, pour chaque cible : la vraie distance est ``connu``, ou moins si
        ``possible`` est plus petit. ``possible`` manque quand rien d'inconnu ne peut être plus proche.
    """
    ici = points if cibles is None else points.loc[cibles]
    connu = au_plus_proche(ici, points[equipement.gt(0).to_numpy(dtype=bool)])
    peut_etre = points[equipement.isna().to_numpy()]
    # Plus loin que la plus lointaine des distances connues, une commune non renseignée n'apprend rien.
    if connu[ici["x"].notna()].notna().all():
        peut_etre = autour(peut_etre, ici, marge_m=connu.max())
    return pd.DataFrame({"connu": connu, "possible": au_plus_proche(ici, peut_etre)})


def peser(cout: np.ndarray, paliers: tuple[tuple[float, float], ...]) -> np.ndarray:
    """Poids d'un coût : celui du premier palier qui le contient, borne comprise ; zéro au-delà.

    Examples
    --------
    >>> peser(np.array([10.0, 10.1, 15.0, 25.0]), PALIERS["paliers"](15)).round(2).tolist()
    [1.0, 0.67, 0.67, 0.0]
    """
    bornes = np.array([borne for borne, _ in paliers])
    poids = np.array([*(p for _, p in paliers), 0.0])
    return poids[np.searchsorted(bornes, cout, side="left")]


def deux_temps(
    demande: pd.Series, offre: pd.Series, voisinage: Voisinage, *, paliers: tuple[tuple[float, float], ...]
) -> tuple[pd.Series, pd.Series]:
    """Accessibilité en deux temps (2SFCA) : l'offre partagée entre tous ceux qui sont à sa portée.

    ``R_j = S_j / Σ_i w(c_ij) P_i``, puis ``A_i = 100 × Σ_j w(c_ij) R_j``.

    Parameters
    ----------
    demande : Series
        ``P_i`` : enfants de chaque origine, indexés comme ``voisinage.origines``.
    offre : Series
        ``S_j`` : offre de chaque lieu, indexée comme ``voisinage.lieux``.
    voisinage : Voisinage
        Couples à portée, et leur coût.
    paliers : tuple of (borne, poids)
        Bornes croissantes, dans l'unité du coût : ``((15, 1),)`` pour un poids binaire.

    Returns
    -------
    accessibilite : Series
        ``A_i`` : offre accessible pour 100 enfants. Zéro si aucun lieu n'est à portée.
    partage : Series
        ``R_j`` : offre par enfant à portée. Un lieu sans offre vaut zéro ; une offre sans aucun enfant à portée
        n'a pas de rapport : manquant. Une demande ou une offre inconnue rend manquant ce qui en dépend.

    Notes
    -----
    Les places se conservent : ``Σ_i A_i P_i / 100 = Σ_j S_j`` dès que chaque lieu a un enfant à sa portée.

    References
    ----------
    Luo et Wang (2003) ; c'est le principe de l'accessibilité potentielle localisée de la Drees et de l'Irdes.

    Examples
    --------
    >>> v = Voisinage(pd.Index(["A", "B"]), pd.Index(["x"]), np.array([0, 1]), np.array([0, 0]), np.array([5.0, 12]))
    >>> acces, partage = deux_temps(pd.Series([100, 50], ["A", "B"]), pd.Series([30], ["x"]), v, paliers=((15, 1),))
    >>> acces.tolist(), partage.tolist()
    ([20.0, 20.0], [0.2])
    """
    w = peser(voisinage.cout, paliers)
    a_portee = w > 0
    i, j, w = voisinage.i[a_portee], voisinage.j[a_portee], w[a_portee]
    p = demande.reindex(voisinage.origines).to_numpy(dtype=float, na_value=np.nan)
    s = offre.reindex(voisinage.lieux).to_numpy(dtype=float, na_value=np.nan)
    potentiel = np.bincount(j, weights=w * p[i], minlength=len(s))
    with np.errstate(divide="ignore", invalid="ignore"):
        r = np.where(potentiel > 0, s / potentiel, np.nan)
    r[s == 0] = 0.0
    a = 100 * np.bincount(i, weights=w * r[j], minlength=len(p))
    return pd.Series(a, index=voisinage.origines), pd.Series(r, index=voisinage.lieux)


def deux_temps_encadre(
    demande: pd.DataFrame,
    offre: pd.DataFrame,
    voisinage: Voisinage,
    *,
    paliers: tuple[tuple[float, float], ...],
) -> pd.DataFrame:
    """2SFCA quand une partie de la demande ou de l'offre n'est connue qu'entre deux bornes.

    Le plus bas : le moins d'offre, partagé entre le plus d'enfants ; le plus haut, l'inverse.

    Parameters
    ----------
    demande, offre : DataFrame
        ``valeur``, ``bas``, ``haut``, indexés comme le voisinage.

    Returns
    -------
    DataFrame
        ``valeur`` (manquante si elle dépend d'une inconnue), ``bas``, ``haut`` (infini si rien ne le borne).
    """
    valeur, _ = deux_temps(demande["valeur"], offre["valeur"], voisinage, paliers=paliers)
    # Une demande nulle et une offre inconnue : rien ne borne par le haut.
    bas, _ = deux_temps(demande["haut"], offre["bas"], voisinage, paliers=paliers)
    haut, _ = deux_temps(demande["bas"], offre["haut"], voisinage, paliers=paliers)
    return pd.DataFrame({"valeur": valeur, "bas": bas.fillna(0.0), "haut": haut.fillna(np.inf)})
