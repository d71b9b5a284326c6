"""Où est chaque structure d'un registre : par le code, sinon le nom et le code postal, sinon le point.

Rien n'est deviné en silence : chaque réparation est une remarque, chaque contradiction un défaut.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import pandas as pd

from cafdiag.donnees.nettoyage import code_commune, departement_de, nombre
from cafdiag.donnees.projections import DES_DROM, en_france
from cafdiag.geographie import geographie
from cafdiag.magasin import lire_contours, lire_table
from cafdiag.millesimes import millesime
from cafdiag.territoires.normalisation import normaliser, sans_articles
from cafdiag.territoires.passage import a_jour
from cafdiag.territoires.recherche import communes_du_code_postal, designes, lire_commune, nom_et_code

_NOMBRE_SEUL = r"[-+−]?\d{1,9}(?:[.,]\d+)?"
_POINT_WKT = re.compile(rf"(?:SRID=\d+;)?\s*POINT\s*Z?\s*\(\s*({_NOMBRE_SEUL})\s+({_NOMBRE_SEUL})", re.IGNORECASE)
_COUPLE = re.compile(rf"[\[(]?\s*({_NOMBRE_SEUL})\s*(?:°\s*)?(?:\s*[;,/|]\s*|\s+)({_NOMBRE_SEUL})\s*(?:°\s*)?[\])]?")
# « 48,07, -0,77 » : la virgule suivie d'une espace sépare, les autres sont décimales.
_COUPLE_A_VIRGULES = re.compile(r"[\[(]?\s*([-+−]?\d{1,9},\d+)\s*(?:,\s*|[;/|\s]\s*)([-+−]?\d{1,9},\d+)\s*[\])]?")
_DEGRES = re.compile(
    r"(\d{1,3})\s*°\s*(\d{1,2})\s*['’′]\s*(?:(\d{1,2}(?:[.,]\d+)?)\s*(?:\"|''|”|″))?\s*([NSEWO])", re.IGNORECASE
)


@dataclass(frozen=True)
class Point:
    """Longitude et latitude, ce qu'il a fallu faire pour les lire, ou pourquoi elles ne valent rien."""

    lon: float = math.nan
    lat: float = math.nan
    traces: tuple[str, ...] = ()
    defaut: str = ""

    @property
    def connu(self) -> bool:
        """Vrai s'il y a un point."""
        return not math.isnan(self.lon)


def localiser(x: float, y: float, *, departement: str = "") -> Point:
    """Longitude et latitude d'un point, quel que soit le système ou l'ordre où il est écrit.

    Lambert-93 et projections légales d'outre-mer (si le département est connu) sont converties ; des
    coordonnées permutées sont remises dans l'ordre ; chaque geste laisse une trace.

    >>> p = localiser(48.07, -0.77)
    >>> (p.lon, p.lat), p.traces
    ((-0.77, 48.07), ('longitude et latitude permutées',))
    >>> p = localiser(427312.5, 6781020.0)
    >>> round(p.lon, 2), round(p.lat, 2), p.traces
    (-0.66, 48.07, ('Lambert-93',))
    """
    if en_france(x, y):
        return Point(x, y)
    if en_france(y, x):
        return Point(y, x, ("longitude et latitude permutées",))
    for a, b, permute in ((x, y, ()), (y, x, ("X et Y permutés",))):
        epsg, nom = _projection(a, b, departement)
        if epsg:
            lon, lat = _transformeur(epsg).transform(a, b)
            if en_france(lon, lat):
                return Point(lon, lat, (nom, *permute))
    if abs(x) <= 180 and abs(y) <= 90:
        return Point(defaut="un point en France ; celui-ci est ailleurs")
    indice = (
        " (Lambert II étendu ? convertissez en Lambert-93 ou en degrés)"
        if (0 < x < 1.2e6 and 1.6e6 < y < 2.7e6)
        else ""
    )
    return Point(defaut=f"des degrés WGS84 ou du Lambert-93{indice}")


def _projection(x: float, y: float, departement: str) -> tuple[int, str]:
    if epsg := DES_DROM.get(departement):
        return epsg, f"projection légale EPSG:{epsg}"
    if 0 < x < 1.3e6 and 6.0e6 < y < 7.2e6:
        return 2154, "Lambert-93"
    return 0, ""


@lru_cache(maxsize=8)
def _transformeur(epsg: int):
    import pyproj

    return pyproj.Transformer.from_crs(epsg, 4326, always_xy=True)


def communes_des_points(lon: np.ndarray, lat: np.ndarray) -> list[tuple[str, ...]]:
    """Communes dont le contour contient chaque point : une seule en principe, deux sur une limite exacte.

    Un point dans Paris, Lyon ou Marseille est rendu à la ville.
    """
    import shapely

    contours = lire_contours("communes")
    arbre = shapely.STRtree(contours.geometry.to_numpy())
    points, formes = arbre.query(shapely.points(lon, lat), predicate="intersects")
    trouves: list[set[str]] = [set() for _ in lon]
    codes = contours["code"].to_numpy()
    for point, forme in zip(points, formes, strict=True):
        trouves[point].add(codes[forme])
    return [tuple(sorted(t)) for t in trouves]



def lire_couple(texte: str) -> tuple[str, str] | None:
    """Longitude et latitude écrites dans une seule case ; None si ce n'est pas un point.

    « 48.07, -0.77 » et ses parents, WKT, GeoJSON, objet ``{"lon": …, "lat": …}``, degrés et minutes.

    >>> lire_couple("48.9196, 2.2287"), lire_couple("POINT (2.2287 48.9196)")
    (('2.2287', '48.9196'), ('2.2287', '48.9196'))
    >>> lire_couple('{"lon": 2.25, "lat": 48.9}'), lire_couple("48,07 ; -0,77"), lire_couple("Centre-ville")
    (('2.25', '48.9'), ('-0.77', '48.07'), None)
    """
    texte = texte.strip()
    if trouve := _POINT_WKT.match(texte):
        return _propres(trouve[1], trouve[2])
    if texte[:1] == "{":
        return _couple_json(texte)
    if degres := _DEGRES.findall(texte):
        return _couple_en_degres(degres)
    trouve = _COUPLE_A_VIRGULES.fullmatch(texte) or _COUPLE.fullmatch(texte)
    # Latitude d'abord, comme sur une carte en ligne ; dans l'autre sens, le point est remis à l'endroit.
    return _propres(trouve[2], trouve[1]) if trouve else None


def _propres(lon: str, lat: str) -> tuple[str, str]:
    return lon.replace(",", ".").replace("−", "-"), lat.replace(",", ".").replace("−", "-")


def _couple_json(texte: str) -> tuple[str, str] | None:
    try:
        lu = json.loads(texte)
    except ValueError:
        return None
    lu = lu.get("geometry", lu) if isinstance(lu, dict) else lu
    if not isinstance(lu, dict):
        return None
    if lu.get("type") == "Point" and isinstance(lu.get("coordinates"), list) and len(lu["coordinates"]) > 1:
        return str(lu["coordinates"][0]), str(lu["coordinates"][1])
    paire = [next((lu[c] for c in noms if isinstance(lu.get(c), int | float)), None)
             for noms in (("lon", "lng", "longitude", "x"), ("lat", "latitude", "y"))]
    return None if None in paire else (str(paire[0]), str(paire[1]))


def _couple_en_degres(degres: list[tuple[str, str, str, str]]) -> tuple[str, str] | None:
    valeurs = {}
    for entiers, minutes, secondes, sens in degres:
        valeur = int(entiers) + int(minutes) / 60 + float((secondes or "0").replace(",", ".")) / 3600
        axe = "lat" if sens.upper() in "NS" else "lon"
        valeurs[axe] = -valeur if sens.upper() in "SWO" else valeur
    return (f"{valeurs['lon']:.7f}", f"{valeurs['lat']:.7f}") if len(valeurs) == 2 else None


# --- Rattacher chaque ligne à sa commune ---


# En deçà, un contour simplifié ou une entrée de l'autre côté de la rue ; au-delà, une erreur.
_PRES_KM, _LOIN_KM = 1.0, 10.0
PAR_CODE, PAR_NOM, PAR_POINT = "code", "nom et code postal", "point"


@dataclass
class LieuxTrouves:
    """Les lieux trouvés, et tout ce qu'il faut en dire.

    Attributes
    ----------
    table : DataFrame
        Même index que la demande : ``code`` (COG 2025, manquant si défaut), ``lon``, ``lat`` (WGS84),
        ``precision_lieu`` (« point » ou « commune »), ``rattachement`` (comment le code a été trouvé).
    defauts : list of tuple
        (index, champ, valeur, attendu).
    notes : list of tuple
        (index, remarque sur cette ligne).
    remarques : list of str
    codes_passes : dict
    codes_inconnus : list of str
    """

    table: pd.DataFrame
    defauts: list[tuple] = field(default_factory=list)
    notes: list[tuple] = field(default_factory=list)
    remarques: list[str] = field(default_factory=list)
    codes_passes: dict[str, str] = field(default_factory=dict)
    codes_inconnus: list[str] = field(default_factory=list)

    def refuser(self, i: int, champ: str, valeur: str, attendu: str) -> None:
        """Un défaut de cette ligne."""
        self.defauts.append((i, champ, valeur, attendu))


@lru_cache(maxsize=1)
def _communes() -> pd.DataFrame:
    return lire_table(
        "communes", colonnes=["code", "nom", "type", "departement", "commune_mere", "codes_postaux"]
    ).set_index("code")


@lru_cache(maxsize=1)
def _meres() -> dict[str, str]:
    return _communes()["commune_mere"].dropna().to_dict()


def _nomme(code: str) -> str:
    return f"{_communes()['nom'].get(code, '?')} ({code})"


def _ecarts_km(codes: list[str], points: list[Point]) -> list[float]:
    """Distance de chaque point au contour de sa commune, en km (environ) ; NaN sans contour."""
    import shapely

    departements = sorted({_communes()["departement"].get(c) for c in codes} - {None})
    contours = lire_contours("communes", filtres=[("departement", "in", departements)]).set_index("code")
    distances = []
    for code, point in zip(codes, points, strict=True):
        if code not in contours.index:
            distances.append(math.nan)
            continue
        ici = shapely.Point(point.lon, point.lat)
        trait = shapely.shortest_line(ici, contours.geometry[code])
        (x1, y1), (x2, y2) = trait.coords
        distances.append(111.2 * math.hypot((x2 - x1) * math.cos(math.radians(point.lat)), y2 - y1))
    return distances


def rattacher(demande: pd.DataFrame) -> LieuxTrouves:
    """Rattache chaque ligne à une commune du COG 2025.

    Parameters
    ----------
    demande : DataFrame
        Textes : ``code``, ``commune``, ``code_postal``, ``lon``, ``lat`` (colonnes absentes = vides).

    Returns
    -------
    LieuxTrouves
    """
    demande = pd.DataFrame(
        {
            c: demande[c] if c in demande else pd.Series("", index=demande.index, dtype="str")
            for c in ("code", "commune", "code_postal", "lon", "lat")
        }
    )
    rendu = LieuxTrouves(pd.DataFrame(index=demande.index))
    demande = demande.apply(_separer, axis=1)
    nettoyes = code_commune(demande["code"])
    rendu.remarques += nettoyes.remarque()
    actuels = a_jour(nettoyes.valeurs, cog=millesime("geographie.communes"))
    points = _lire_points(demande, actuels["code_actuel"], rendu)
    au_point = _chercher_points(demande, actuels, points)
    codes, methodes = {}, {}
    for i in demande.index:
        ligne = demande.loc[i]
        if ligne["code"]:
            code = _par_code(i, ligne, nettoyes.raisons[i], actuels.loc[i], au_point.get(i), points[i], rendu)
            methodes[i] = PAR_CODE
        else:
            code, methodes[i] = _sans_code(i, ligne, au_point.get(i), points[i], rendu)
        if code in _meres():
            rendu.codes_passes[code] = _meres()[code]
            code = _meres()[code]
        codes[i] = code
    _controler_points(demande, codes, methodes, points, rendu)
    rendu.table["code"] = pd.Series(codes, dtype="str").reindex(demande.index)
    rendu.table["lon"] = [points[i].lon for i in demande.index]
    rendu.table["lat"] = [points[i].lat for i in demande.index]
    rendu.table["precision_lieu"] = ["point" if points[i].connu else "commune" for i in demande.index]
    rendu.table["rattachement"] = [methodes[i] for i in demande.index]
    for methode in (PAR_NOM, PAR_POINT):
        n = sum(methodes[i] == methode and codes[i] is not None for i in demande.index)
        if n:
            rendu.remarques.append(f"{n} ligne(s) sans code rattachée(s) par {methode}")
    return rendu


def _separer(ligne: pd.Series) -> pd.Series:
    """« Laval (53000) », « 53130 Laval » dans la seule case de la commune : son nom, et son code Insee ou postal."""
    lu = nom_et_code(ligne["commune"]) if not ligne["code"] and not ligne["code_postal"] else None
    if lu is None or lu[1] or len(lu[2]) != 5:
        return ligne
    nom, _, code = lu
    postales = communes_du_code_postal(code)
    de_ce_nom = set(lire_commune(nom, code)[0]) if postales else set()
    if code.upper() in designes(nom, "commune"):
        # Le code Insee de l'une, le code postal d'une autre de même nom : à l'usager de dire.
        return ligne if de_ce_nom - {code} else pd.Series({**ligne, "commune": nom, "code": code})
    en_postal = postales or "cedex" in nom.lower()
    return pd.Series({**ligne, "commune": nom, "code_postal" if en_postal else "code": code})


def _lire_points(demande: pd.DataFrame, codes: pd.Series, rendu: LieuxTrouves) -> dict:
    (xs, sx), (ys, sy) = nombre(demande["lon"]), nombre(demande["lat"])
    points: dict[int, Point] = {}
    traces: Counter[str] = Counter()
    for i in demande.index:
        points[i] = Point()
        for champ, statut in (("lon", sx[i]), ("lat", sy[i])):
            if statut == "illisible":
                rendu.refuser(i, champ, demande[champ][i], "un nombre")
        if "illisible" in (sx[i], sy[i]) or (math.isnan(xs[i]) and math.isnan(ys[i])):
            continue
        if math.isnan(xs[i]) or math.isnan(ys[i]):
            champ = "lon" if math.isnan(xs[i]) else "lat"
            rendu.refuser(i, champ, demande[champ][i], "les deux coordonnées, ou aucune")
            continue
        if xs[i] == 0 and ys[i] == 0:
            traces["0 ; 0, lues comme absentes"] += 1
            continue
        code = "" if pd.isna(codes[i]) else codes[i]
        point = localiser(float(xs[i]), float(ys[i]), departement=departement_de(code))
        if point.defaut:
            rendu.refuser(i, "lon", f"{demande['lon'][i]} ; {demande['lat'][i]}", point.defaut)
            continue
        points[i] = point
        traces.update(point.traces)
    rendu.remarques += [f"coordonnées de {n} ligne(s) : {trace}" for trace, n in traces.items()]
    return points


def _chercher_points(demande: pd.DataFrame, actuels: pd.DataFrame, points: dict) -> dict:
    """Commune du point, cherchée seulement là où le code ne suffit pas (la France entière est à lire)."""
    utiles = [i for i in demande.index if points[i].connu and pd.isna(actuels["code_actuel"][i])]
    if not utiles:
        return {}
    trouves = communes_des_points(
        np.array([points[i].lon for i in utiles]), np.array([points[i].lat for i in utiles])
    )
    return dict(zip(utiles, trouves, strict=True))


def _indice(au_point: tuple[str, ...] | None, point: Point) -> str:
    if not au_point:
        return ""
    systeme = f", lu en {point.traces[0]}," if point.traces else ""
    return f" ; le point{systeme} est à {' ou '.join(_nomme(c) for c in au_point)}"


def _par_code(i, ligne, raison, actuel, au_point, point, rendu: LieuxTrouves) -> str | None:
    if actuel["statut"] == "scission" and pd.isna(actuel["code_actuel"]):
        cibles = actuel["cibles"].split()
        if au_point and len(au_point) == 1 and au_point[0] in cibles:
            rendu.codes_passes[ligne["code"]] = au_point[0]
            return au_point[0]
        rendu.refuser(i, "code", ligne["code"],
                      "le code de la commune d'aujourd'hui : " + " ou ".join(map(_nomme, cibles)))
        return None
    code = actuel["code_actuel"]
    if pd.isna(code):
        rendu.codes_inconnus.append(ligne["code"])
        trouves = lire_commune(ligne["commune"], ligne["code_postal"] or ligne["code"])[0] if ligne["commune"] else []
        indice = f" ; « {ligne['commune']} » est {_nomme(trouves[0])}" if len(trouves) == 1 else ""
        if not indice and (postales := communes_du_code_postal(ligne["code"])):
            indice = f" ; {ligne['code']} est le code postal de {' ou '.join(map(_nomme, postales[:3]))}"
        detail = f" ({raison})" if raison else f" (n'est pas une commune du COG {geographie()})"
        rendu.refuser(i, "code", ligne["code"], f"un code commune{detail}{indice}{_indice(au_point, point)}")
        return None
    if actuel["statut"] == "passe":
        rendu.codes_passes[actuel["code_origine"]] = code
    if contradiction := _contradiction(_meres().get(code, code), ligne, rendu, i):
        rendu.refuser(i, *contradiction)
        return None
    return code


def _contradiction(code: str, ligne, rendu: LieuxTrouves, i) -> tuple[str, str, str] | None:
    """Le défaut d'une ligne dont le nom ou le code postal contredit le code : nous ne choisissons pas à sa place."""
    commune, postal = ligne["commune"], ligne["code_postal"].replace(" ", "").zfill(5)
    nommees = designes(commune, "commune")
    postales = communes_du_code_postal(ligne["code"]) if len(ligne["code"]) == 5 else []
    pris_pour_code = bool(postales) and code not in postales
    if commune and code not in nommees:
        voisines = [c for c in nommees if c in postales] if pris_pour_code else []
        voisines = voisines or [c for c in nommees if departement_de(c) == departement_de(code)] or sorted(nommees)
        if voisines:
            bons = " ou ".join(map(_nomme, sorted(voisines)[:3]))
            detail = f" ({ligne['code']} est aussi un code postal)" if pris_pour_code else ""
            return ("commune", commune, f"le nom de {_nomme(code)}, ou le code de {bons}{detail}")
    inconnu = bool(commune) and code not in nommees and not _abrege({normaliser(commune)}, "", code)
    if pris_pour_code and (inconnu or (ligne["code_postal"] and postal == ligne["code"])):
        bons = " ou ".join(map(_nomme, postales[:3]))
        return ("code", ligne["code"], f"un code Insee ; {ligne['code']} est ici un code postal, celui de {bons}")
    if commune and code not in nommees:
        rendu.notes.append((i, f"« {commune} » rattachée par son code à {_nomme(code)}"))
    return None


def _abrege(formes: set[str], postal: str, code: str) -> bool:
    """Vrai si le code postal est celui de la commune, ou si son nom contient tous les mots donnés."""
    mots = set(sans_articles(normaliser(_communes()["nom"][code])).split())
    postaux = str(_communes()["codes_postaux"].get(code, "")).split()
    return postal.replace(" ", "").zfill(5) in postaux or any(set(f.split()) <= mots for f in formes)


def _sans_code(i, ligne, au_point, point, rendu: LieuxTrouves) -> tuple[str | None, str]:
    commune, postal = ligne["commune"], ligne["code_postal"]
    if commune and postal:
        trouves, lu = lire_commune(commune, postal)
        if len(trouves) == 1:
            if lu and normaliser(lu) != normaliser(commune):
                rendu.notes.append((i, f"« {commune} » lue {_nomme(trouves[0])}"))
            return trouves[0], PAR_NOM
        if len(trouves) > 1 and not au_point:
            rendu.refuser(i, "commune", commune,
                          "une seule commune, ici " + " ou ".join(map(_nomme, trouves)) + " : donnez le code Insee")
            return None, ""
    if au_point and len(au_point) == 1:
        code = au_point[0]
        meme = not commune or code in designes(commune, "commune")
        if not meme and _abrege({normaliser(commune)}, postal, code):
            rendu.notes.append((i, f"« {commune} » rattachée par son point à {_nomme(code)}"))
            meme = True
        if meme:
            return code, PAR_POINT
        rendu.refuser(i, "commune", commune, f"le nom de la commune du point, {_nomme(code)}")
        return None, ""
    if au_point and len(au_point) > 1:
        cotes = " et ".join(map(_nomme, au_point))
        rendu.refuser(i, "lon", f"{ligne['lon']} ; {ligne['lat']}",
                      f"un point d'un seul côté de la limite entre {cotes} : donnez le code")
        return None, ""
    if point.connu:
        rendu.refuser(i, "lon", f"{ligne['lon']} ; {ligne['lat']}",
                      "un point dans une commune française : donnez le code Insee")
        return None, ""
    proches = sorted(designes(commune, "commune") - set(_meres()))
    indice = " : " + " ou ".join(map(_nomme, proches[:3])) + " ?" if proches else ""
    if commune or postal:
        rendu.refuser(i, "commune", f"{postal} {commune}".strip(),
                      "un nom et un code postal qui se répondent, ou le code Insee" + indice)
    else:
        rendu.refuser(i, "code", "", "un code Insee, un nom avec son code postal, ou un point")
    return None, ""


def _controler_points(demande, codes: dict, methodes: dict, points: dict, rendu: LieuxTrouves) -> None:
    """Un point loin de la commune déclarée est une contradiction : nous ne choisissons pas à la place."""
    aller = [
        i for i in demande.index if codes[i] is not None and points[i].connu and methodes[i] != PAR_POINT
    ]
    if not aller:
        return
    distances = _ecarts_km([codes[i] for i in aller], [points[i] for i in aller])
    for i, km in zip(aller, distances, strict=True):
        if km > _LOIN_KM:
            rendu.refuser(i, "lon", f"{demande['lon'][i]} ; {demande['lat'][i]}",
                          f"un point dans {_nomme(codes[i])} ; celui-ci en est à {km:.0f} km")
        elif km > _PRES_KM:
            dit = f"{km:.1f}".replace(".", ",")
            rendu.notes.append((i, f"point à {dit} km de {_nomme(codes[i])}, gardé tel quel"))
