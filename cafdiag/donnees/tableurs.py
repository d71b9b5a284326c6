"""La porte de tout tableau, qu'il vienne d'un producteur ou d'un usager : ici seulement s'ouvre un fichier de données.

Le format se reconnaît aux octets (:mod:`cafdiag.donnees.octets`) ; un CSV (:mod:`cafdiag.donnees.delimite`), un
classeur (:mod:`cafdiag.donnees.classeurs`), une couche géographique (:mod:`cafdiag.donnees.couches`) ont chacun leur
pièce, et l'en-tête une seule règle (:mod:`cafdiag.donnees.entetes`).

:func:`lire_tableau` est le socle des lecteurs (:mod:`cafdiag.donnees.lecteurs`) : des textes, leur ligne d'origine, et
rien de perdu en silence. :func:`lire_feuilles` rend le petit tableau d'un usager (registre, relevé, questionnaire,
actions, portrait) cellule par cellule : des bornes, les formules, les cases fusionnées, des textes d'une seule ligne.
Rien n'est exécuté.
"""

from __future__ import annotations

import json
import unicodedata
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from cafdiag.donnees import classeurs, couches, delimite, octets
from cafdiag.donnees.classeurs import SANS_VALEUR, Feuille, en_texte
from cafdiag.donnees.compte_rendu import Brut, Rejet
from cafdiag.donnees.entetes import DEUX_FOIS, DOUBLE, Choix, choisir, nommer
from cafdiag.erreurs import EntreeFautive, en_clair

__all__ = ["SANS_VALEUR", "Feuille", "apercu", "feuilles", "lire_feuilles", "lire_tableau", "propre"]


# Ce qu'un portail (ou un service de cartes) dit du nombre entier d'enregistrements dont il ne rend qu'une page.
_TOTAUX = ("total_count", "nhits", "numberMatched", "totalFeatures")
_LISTES = ("results", "records", "data", "donnees", "features", "items", "rows")


def lire_json(src: octets.Fichier, *, colonnes: Choix = None, limite: int | None = None) -> Brut:
    """Liste d'objets, GeoJSON, réponse d'API (``results``), JSON par lignes, ou objet indexé par code.

    Un objet indexé (``{"10003": {…}}``) rend sa clé dans une colonne « cle » ; un point GeoJSON rend
    « lon » et « lat ».
    """
    fichier = src.chemin.name
    texte, remarques = octets.decoder(src.tout())
    rejets: list[Rejet] = []
    try:
        contenu = json.loads(texte)
    except RecursionError:
        raise EntreeFautive(fichier, ["JSON trop profond"], attendu="une liste d'enregistrements") from None
    except ValueError as cause:
        contenu = _par_lignes(texte, rejets)
        if contenu is None:
            ou = " : un nombre y est trop long"
            if isinstance(cause, json.JSONDecodeError):
                ou = f", ligne {cause.lineno}, colonne {cause.colno}"
            raise EntreeFautive(fichier, [f"JSON mal formé{ou}"], attendu="un fichier entier",
                                conseil="retéléchargez-le : il est sans doute coupé") from cause
    suite = list(_objets(contenu))
    objets, lignes = [], []
    faux = {r.ligne for r in rejets}
    for rang, objet in enumerate(suite, start=1):
        if isinstance(objet, dict):
            objets.append(objet)
            lignes.append(rang)
        elif rang not in faux:
            rejets.append(Rejet(rang, "pas un enregistrement", str(objet)[:80]))
    if not objets:
        raise EntreeFautive(fichier, ["aucun enregistrement"], attendu="une liste d'objets JSON")
    if isinstance(contenu, dict) and (annonce := max(map(_entier, map(contenu.get, _TOTAUX)))) > len(suite):
        raise EntreeFautive(fichier, [f"une page de {len(suite)} enregistrements, sur {annonce} annoncés"],
                            attendu="un fichier entier", conseil="prenez l'export entier du portail, pas une page")
    points = _de_points(contenu)
    if points:
        remarques = remarques + _en_degres(objets, contenu.get("crs"))
    cles = list(dict.fromkeys(cle for objet in objets for cle in objet))
    noms, doublons = nommer(cles)
    if limite is not None:
        objets, lignes = objets[:limite], lignes[:limite]
    table = pd.DataFrame(
        {noms[i]: pd.Series([_cellule(o.get(cles[i])) for o in objets], dtype="str")
         for i in choisir(noms, colonnes)}, index=pd.RangeIndex(len(objets)))
    return Brut(table, np.array(lignes, dtype=int), noms, rejets, remarques + doublons, fichier, points=points)


def _de_points(contenu) -> bool:
    """Vrai d'un GeoJSON dont chaque géométrie est un point, ou un bâtiment."""
    suite = contenu.get("features") if isinstance(contenu, dict) else None
    formes = [f["geometry"] for f in suite or () if isinstance(f, dict) and isinstance(f.get("geometry"), dict)] \
        if isinstance(suite, list) else []
    # Sans aucune géométrie, ce ne sont pas des contours non plus.
    return bool(suite) and isinstance(suite, list) and all(_point(forme) is not None for forme in formes)


def _en_degres(objets: list[dict], systeme) -> list[str]:
    """Ramène en degrés les points d'un GeoJSON qui dit être dans un autre système ; rend ce qu'il faut en dire."""
    try:
        nom = systeme["properties"]["name"]
    except (TypeError, KeyError):
        return []
    metriques = [o for o in objets if all(isinstance(o.get(c), int | float) for c in ("lon", "lat"))
                 and max(abs(o["lon"]), abs(o["lat"])) > couches.DEGRES_MAX]
    if not metriques:
        return []
    degres, dit = couches.en_degres([o["lon"] for o in metriques], [o["lat"] for o in metriques], nom)
    for objet, (lon, lat) in zip(metriques, degres, strict=True):
        objet["lon"], objet["lat"] = lon, lat
    return dit


def _entier(valeur) -> int:
    return valeur if isinstance(valeur, int) else 0


def _par_lignes(texte: str, rejets: list[Rejet]) -> list | None:
    lignes = [ligne for ligne in texte.splitlines() if ligne.strip()]
    objets: list = []
    for rang, ligne in enumerate(lignes, start=1):
        try:
            objets.append(json.loads(ligne))
        except (ValueError, RecursionError):
            objets.append(None)
            rejets.append(Rejet(rang, "JSON mal formé", ligne[:80]))
    # Un tableau JSON ordinaire, coupé, n'a presque aucune ligne lisible seule.
    entiers = sum(isinstance(o, dict) for o in objets)
    return objets if len(lignes) > 1 and entiers > 0.5 * len(lignes) else None


def _objets(contenu) -> Iterator:
    if isinstance(contenu, list):
        yield from (_aplatir(o) for o in contenu)
        return
    if not isinstance(contenu, dict):
        return
    for cle in _LISTES:
        if isinstance(contenu.get(cle), list):
            yield from (_aplatir(o) for o in contenu[cle])
            return
    if contenu and all(isinstance(v, dict) for v in contenu.values()):
        yield from ({"cle": cle, **valeur} for cle, valeur in contenu.items())
    elif contenu and all(isinstance(v, list) for v in contenu.values()):
        yield from ({"cle": cle, **{f"valeur_{i + 1}": v for i, v in enumerate(liste)}}
                    for cle, liste in contenu.items())
    elif contenu and not any(isinstance(v, dict | list) for v in contenu.values()):
        yield from ({"cle": cle, "valeur": valeur} for cle, valeur in contenu.items())


def _aplatir(objet):
    """Un « Feature » GeoJSON, ou un enregistrement d'ancienne API (``fields``), devient un objet plat."""
    if not isinstance(objet, dict):
        return objet
    plat = objet
    for cle in ("properties", "fields"):
        if isinstance(objet.get(cle), dict):
            plat = dict(objet[cle])
    point = objet.get("geometry")
    if plat is not objet and isinstance(point, dict):
        coordonnees = _point(point)
        if isinstance(coordonnees, list) and len(coordonnees) >= 2:
            plat.setdefault("lon", coordonnees[0])
            plat.setdefault("lat", coordonnees[1])
    return plat


def _point(contour: dict) -> list | None:
    """Le point d'une géométrie : le sien, ou celui d'un bâtiment dessiné (au plus un kilomètre)."""
    coordonnees = contour.get("coordinates")
    if contour.get("type") == "Point":
        return coordonnees
    if contour.get("type") == "MultiPoint" and isinstance(coordonnees, list) and len(coordonnees) == 1:
        return coordonnees[0]
    if contour.get("type") not in ("Polygon", "MultiPolygon") or _etendu(coordonnees):
        return None
    import shapely

    try:
        dessin = shapely.geometry.shape(contour)
        ouest, sud, est, nord = dessin.bounds
    except (TypeError, ValueError, IndexError, AttributeError, shapely.errors.ShapelyError):
        return None
    if not max(est - ouest, nord - sud) < couches.batiment_max(ouest):
        return None
    dedans = dessin.representative_point()
    return [dedans.x, dedans.y]


def _sommets(coordonnees) -> Iterator[list]:
    if isinstance(coordonnees[0], list):
        for partie in coordonnees:
            yield from _sommets(partie)
    else:
        yield coordonnees


def _etendu(coordonnees) -> bool:
    """Vrai si un sommet est trop loin du premier pour un bâtiment : un quartier entier n'est pas à construire."""
    try:
        sommets = _sommets(coordonnees)
        x, y, *_ = next(sommets)
        return any(max(abs(s[0] - x), abs(s[1] - y)) >= couches.batiment_max(x) for s in sommets)
    except (TypeError, ValueError, IndexError, StopIteration):
        return False  # mal formée : à la bibliothèque d'en juger


def _cellule(valeur) -> str:
    if isinstance(valeur, dict) or (isinstance(valeur, list) and any(isinstance(v, dict) for v in valeur)):
        return json.dumps(valeur, ensure_ascii=False)
    return en_texte(valeur).strip()


def lire_parquet(src: octets.Fichier, *, colonnes: Choix = None, limite: int | None = None) -> Brut:
    """Colonnes d'un Parquet en textes ; les géométries et autres binaires restent dans le fichier."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    fichier = src.chemin.name
    try:
        with octets.lisible(src.chemin), src.ouvrir() as flux:
            parquet = pq.ParquetFile(flux)
            schema = parquet.schema_arrow
            noms, remarques = nommer(schema.names)
            lisibles = {i for i, champ in enumerate(schema)
                        if not (pa.types.is_binary(champ.type) or pa.types.is_large_binary(champ.type))}
            voulues = [i for i in choisir(noms, colonnes) if i in lisibles]
            if limite is not None:
                lot = next(parquet.iter_batches(batch_size=limite, columns=[schema.names[i] for i in voulues]),
                           None)
                table = pa.Table.from_batches([lot] if lot is not None else [], schema=None if lot is not None
                                              else pa.schema([schema.field(i) for i in voulues]))
            else:
                table = parquet.read(columns=[schema.names[i] for i in voulues])
    except (pa.ArrowException, StopIteration) as cause:
        raise EntreeFautive(fichier, [en_clair(cause)],
                            conseil="retéléchargez-le : il est sans doute coupé") from cause
    donnees = {}
    for i in voulues:
        colonne = table.column(schema.names[i])
        if pa.types.is_string(colonne.type) or pa.types.is_large_string(colonne.type):
            textes = pc.utf8_trim_whitespace(pc.fill_null(colonne, "").cast(pa.large_string()))
            donnees[noms[i]] = pd.Series(pd.array(textes, dtype="str"))
        else:
            donnees[noms[i]] = pd.Series([en_texte(v).strip() for v in colonne.to_pylist()], dtype="str")
    cadre = pd.DataFrame(donnees, index=pd.RangeIndex(table.num_rows))
    lignes = np.arange(1, table.num_rows + 1)
    points = _points_du_parquet(src, schema, limite)
    if points is None:
        return Brut(cadre, lignes, noms, [], remarques, fichier)
    nom, degres, dit = points
    for rang, axe in enumerate(("lon", "lat")):
        if axe not in noms:
            cadre[axe] = pd.Series([en_texte(d[rang]) for d in degres], dtype="str")
    noms = [n for n in noms if n != nom] + [a for a in ("lon", "lat") if a not in noms]
    return Brut(cadre, lignes, noms, [], remarques + dit, fichier, points=True)


def _points_du_parquet(src: octets.Fichier, schema, limite: int | None):
    """La colonne de points d'un GeoParquet, ses points en degrés, et ce qu'il faut en dire ; None s'il n'en a pas."""
    import pyarrow.parquet as pq
    import shapely

    try:
        geo = json.loads(schema.metadata[b"geo"])
        nom = geo["primary_column"]
        genres = set(geo["columns"][nom]["geometry_types"])
        systeme = geo["columns"][nom].get("crs") or "OGC:CRS84"
    except (KeyError, TypeError, ValueError):
        return None
    if not genres or not genres <= {"Point", "Point Z"}:
        return None
    with octets.lisible(src.chemin), src.ouvrir() as flux:
        formes = shapely.from_wkb(pq.ParquetFile(flux).read(columns=[nom]).column(0).slice(0, limite).to_pylist())
    xs, ys = (axe(np.asarray(formes, dtype=object)).tolist() for axe in (shapely.get_x, shapely.get_y))
    return nom, *couches.en_degres(xs, ys, systeme)


def lire_tableau(chemin: Path | str, *, colonnes: Choix = None, feuille: str | None = None,
                 limite: int | None = None, nombres: Choix = ()) -> Brut:
    """Lit un fichier en textes : csv (``;`` ``,`` tabulation), xlsx, ods, json, parquet, .gz ou .zip.

    Les lignes d'habillage, l'en-tête répété et les lignes vides sont ôtés (et dits) ; une ligne qui n'a
    pas le bon nombre de champs devient un rejet.

    Parameters
    ----------
    chemin : path
    colonnes : callable or collection of str, optional
        Colonnes à charger (nom, ou fonction ``nom -> bool``) ; un gros fichier dont on ne veut que
        quelques colonnes est lu au fil de l'eau.
    feuille : str, optional
        Feuille du classeur ; la plus remplie par défaut.
    limite : int, optional
        Nombre de lignes (aperçu) ; l'empreinte n'est alors pas calculée.
    nombres : callable or collection of str, optional
        Colonnes à lire directement en nombres (vide = manquant) dans un grand CSV : deux fois moins de
        mémoire. Si une seule case n'en est pas un, toutes restent des textes, pour dire laquelle.

    Returns
    -------
    Brut

    Raises
    ------
    EntreeFautive
        Fichier absent, vide, tronqué, d'un format inconnu, sans en-tête, ou dont une colonne a un double qui la
        contredit.
    """
    src = octets.source(chemin)
    if limite is not None:
        return _lire(src, colonnes, feuille, limite, ())
    brut = _lire(src, _et_leurs_doubles(colonnes), feuille, None, _et_leurs_doubles(nombres))
    _oter_les_doubles(brut)
    # D'un grand CSV, l'examen l'a déjà calculée.
    brut.empreinte = octets.empreinte(src.chemin)
    brut.remarques += _laisses(src)
    return brut


def _et_leurs_doubles(colonnes: Choix) -> Choix:
    """Les colonnes voulues, et celles de même nom (« A (2) ») : on ne choisit pas entre elles sans les comparer."""
    if colonnes is None or (not callable(colonnes) and not colonnes):
        return colonnes
    garde = colonnes if callable(colonnes) else set(colonnes).__contains__
    return lambda nom: garde(nom) or garde(DOUBLE.sub("", nom))


def _oter_les_doubles(brut: Brut) -> None:
    """Ôte les colonnes de même nom qui disent la même chose, ou rien ; refuse celles qui se contredisent."""
    noms = {r.removeprefix(DEUX_FOIS) for r in brut.remarques if r.startswith(DEUX_FOIS)}
    defauts, otees = [], []
    for double in (c for c in brut.table if DOUBLE.sub("", c) in noms and c not in noms):
        nom = DOUBLE.sub("", double)
        une, autre = brut.table[nom], brut.table[double]
        if not (pd.api.types.is_numeric_dtype(une) and pd.api.types.is_numeric_dtype(autre)):
            une, autre = (pd.Series([en_texte(v) for v in c], dtype="str") for c in (une, autre))
        autres = une.ne(autre) & ~(une.isna() & autre.isna())
        if autres.any() and not (autre.isna() | autre.eq("")).all():
            i = int(np.flatnonzero(autres)[0])
            defauts.append(f"deux colonnes « {nom} » qui diffèrent, d'abord ligne {brut.lignes[i]} : "
                           f"« {une.iloc[i]} » et « {autre.iloc[i]} »")
        otees.append(double)
    if defauts:
        raise EntreeFautive(brut.fichier, defauts, attendu="une seule colonne de chaque nom",
                            conseil="renommez ou ôtez celle qui n'est pas la bonne")
    if otees:
        brut.table = brut.table.drop(columns=otees)
        brut.entete = [c for c in brut.entete if c not in otees]


def _laisses(src: octets.Fichier) -> list[str]:
    """Ce qu'il faut dire d'une archive dont une seule table est lue."""
    if not src.autres:
        return []
    suite = "…" if len(src.autres) > 3 else ""
    return [f"archive : {src.membre} est lu ; {', '.join(src.autres[:3])}{suite} ne l'est pas"]


def _lire(src: octets.Fichier, colonnes: Choix, feuille: str | None, limite: int | None, nombres: Choix) -> Brut:
    if src.format == "csv":
        return delimite.lire(src, colonnes=colonnes, limite=limite, nombres=nombres)
    if src.format in ("xlsx", "ods"):
        return classeurs.lire(src, colonnes=colonnes, limite=limite, feuille=feuille)
    if src.format == "json":
        return lire_json(src, colonnes=colonnes, limite=limite)
    if src.format == couches.FORMAT:
        return couches.lire(src, couche=feuille, limite=limite)
    return lire_parquet(src, colonnes=colonnes, limite=limite)


def apercu(chemin: Path | str, *, feuille: str | None = None) -> Brut:
    """Les premières lignes, pour reconnaître un fichier sans le lire en entier."""
    return lire_tableau(chemin, feuille=feuille, limite=50)


def feuilles(chemin: Path | str) -> list[str]:
    """Noms des feuilles d'un classeur, ou des couches d'un fichier géographique ; liste vide pour un autre format."""
    src = octets.source(chemin)
    if src.format == couches.FORMAT:
        return list(couches.couches(src))
    return classeurs.feuilles(src) if src.format in ("xlsx", "ods") else []


# --- Le petit tableau d'un usager, cellule par cellule ---


TAILLE_MAX = 30_000_000
DEPLIE_MAX = 200_000_000
LIGNES_MAX = 100_000
COLONNES_MAX = 400
ATTENDU = "un classeur xlsx ou ods, un CSV (UTF-8 ou Windows) ou un GeoJSON, une ligne par structure"
_CONSEIL = "ouvrez-le dans le tableur et enregistrez-le de nouveau"


def propre(texte: str) -> str:
    """Texte d'une seule ligne, sans caractère de commande ni marque invisible qui retournerait l'affichage.

    >>> propre("  Crèche\\u00a0 du\\nParc\\u202e\\x07 ")
    'Crèche du Parc'
    """
    garde = "".join(
        c
        if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co")
        else (" " if c in "\t\r\n\x0b\x0c" else "")
        for c in texte
    )
    return unicodedata.normalize("NFC", " ".join(garde.split()))


def lire_feuilles(chemin: str | Path) -> list[Feuille]:
    """Lit toutes les feuilles visibles d'un fichier (toutes, si aucune ne l'est) ; une feuille masquée est dite.

    Raises
    ------
    EntreeFautive
        Fichier absent, vide, trop gros, protégé, abîmé, ou d'un autre format.
    """
    chemin = Path(chemin)
    with octets.lisible(chemin):
        if chemin.stat().st_size > TAILLE_MAX:
            raise _refus(chemin, f"fichier de plus de {TAILLE_MAX // 1_000_000} Mo")
        src = octets.source(chemin)
        if src.format in ("xlsx", "ods") and not src.compression:
            with zipfile.ZipFile(chemin) as archive:
                if sum(m.file_size for m in archive.infolist()) > DEPLIE_MAX:
                    raise _refus(chemin, "archive démesurée une fois dépliée")
    if src.format in ("xlsx", "ods"):
        toutes = classeurs.lire_feuilles(src, prudent=True)
        lues = [f for f in toutes if f.visible] or toutes
        # « Listes » porte les choix de nos modèles.
        masquees = [f for f in toutes if f.lignes and f not in lues and f.nom != "Listes"]
        for feuille in lues[:1]:
            feuille.remarques += [f"feuille masquée, non lue : « {f.nom} » ({len(f.lignes)} lignes)" for f in masquees]
    elif src.format == "csv":
        lues = [Feuille("", delimite.lire_lignes(src), remarques=_laisses(src))]
    else:
        lues = [_de_liste_publique(chemin)]
    for feuille in lues:
        lignes, feuille.lignes = feuille.lignes, []
        for numero, cellules in lignes:
            feuille.ajouter(numero, [propre(c) for c in cellules])
        feuille.etendre()
        if len(feuille.lignes) > LIGNES_MAX:
            raise _refus(chemin, f"plus de {LIGNES_MAX} lignes")
        if any(len(cellules) > COLONNES_MAX for _, cellules in feuille.lignes):
            raise _refus(chemin, f"plus de {COLONNES_MAX} colonnes")
    return lues


def _de_liste_publique(chemin: Path) -> Feuille:
    """JSON, GeoJSON, Parquet ou archive : un en-tête, puis ses lignes."""
    brut = lire_tableau(chemin)
    debut = int(brut.lignes[0]) if len(brut.lignes) else 1
    lignes = [(debut - 1, list(brut.entete))]
    lignes += zip(brut.lignes.tolist(), map(list, brut.table.itertuples(index=False)), strict=True)
    return Feuille("", lignes, remarques=[*brut.remarques, *map(str, brut.rejets)])


def _refus(chemin: Path, trouve: str) -> EntreeFautive:
    return EntreeFautive(chemin.name, [trouve], attendu=ATTENDU, conseil=_CONSEIL)
