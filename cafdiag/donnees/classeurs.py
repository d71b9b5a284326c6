"""Lire un classeur (xlsx, ods) en textes, tel qu'il s'affiche : les zéros de tête du format sont rendus.

Rien n'est exécuté : d'une formule, on lit la dernière valeur que le tableur a enregistrée, ou l'on dit qu'il n'y en
a pas. Une feuille masquée n'est pas lue d'office.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import threading
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from xml.etree import ElementTree

import numpy as np
import pandas as pd

from cafdiag.donnees import octets
from cafdiag.donnees.compte_rendu import Brut
from cafdiag.donnees.entetes import Choix, choisir, est_une_note, nommer, trouver_entete
from cafdiag.erreurs import EntreeFautive, en_clair

SANS_VALEUR = "=formule sans valeur="
_O = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_S = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_T = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_X = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_LARGEUR_MAX = 16_384
_LIGNES_MAX = 1_048_576
_HABILLAGE_MAX = 60
_SANS_DIMENSIONS = threading.Lock()


@dataclass
class Feuille:
    """Une feuille : ses lignes non vides, numérotées comme dans le tableur (la première est 1).

    Attributes
    ----------
    nom : str
    lignes : list of (int, list of str)
    formules, fusions : set of (int, int)
        Ligne (depuis 1) et colonne (depuis 0) des cases calculées ; de celles que :meth:`etendre` a remplies.
    remarques : list of str
    visible : bool
    plages : list of tuple
        Cases fusionnées : haut, gauche, bas, droite.
    """

    nom: str
    lignes: list[tuple[int, list[str]]] = field(default_factory=list)
    formules: set[tuple[int, int]] = field(default_factory=set)
    fusions: set[tuple[int, int]] = field(default_factory=set)
    remarques: list[str] = field(default_factory=list)
    visible: bool = True
    plages: list[tuple[int, int, int, int]] = field(default_factory=list)

    def ajouter(self, numero: int, cellules: list[str], fois: int = 1) -> None:
        """Garde la ligne (répétée, peut-être) si elle n'est pas vide, cases vides finales ôtées."""
        while cellules and not cellules[-1]:
            cellules.pop()
        if cellules:
            self.lignes += [(numero + k, cellules) for k in range(fois)]

    def etendre(self) -> None:
        """Une case fusionnée de haut en bas vaut pour chacune de ses lignes."""
        lignes = dict(self.lignes)
        for haut, gauche, bas, _ in self.plages:
            premiere = lignes.get(haut, [])
            valeur = premiere[gauche] if gauche < len(premiere) else ""
            for rang in range(haut + 1, bas + 1):
                if not valeur or rang not in lignes:
                    continue
                # Une copie : des lignes répétées dans le fichier sont une même liste.
                cellules = [*lignes[rang], *[""] * (gauche + 1 - len(lignes[rang]))]
                if not cellules[gauche]:
                    cellules[gauche] = valeur
                    self.fusions.add((rang, gauche))
                lignes[rang] = cellules
        self.lignes = list(lignes.items())


def feuilles(src: octets.Fichier) -> list[str]:
    """Noms des feuilles visibles, dans l'ordre (de toutes, si aucune ne l'est)."""
    with octets.lisible(src.chemin):
        if src.format == "xlsx":
            classeur = _ouvrir_xlsx(src)
            try:
                toutes = [(f.title, f.sheet_state == "visible") for f in classeur.worksheets]
            finally:
                classeur.close()
        else:
            toutes = [(f.nom, f.visible) for f in _feuilles_ods(src, lire_lignes=False)]
    return [nom for nom, visible in toutes if visible] or [nom for nom, _ in toutes]


def lire(src: octets.Fichier, *, colonnes: Choix = None, limite: int | None = None,
         feuille: str | None = None) -> Brut:
    """Lit une feuille ; sans nom, la plus remplie de celles qu'on voit."""
    fichier = src.chemin.name
    borne = None if limite is None else limite + _HABILLAGE_MAX
    toutes = [f for f in lire_feuilles(src, feuille=feuille, borne=borne) if feuille in (None, f.nom)]
    if not toutes:
        raise EntreeFautive(fichier, [f"pas de feuille « {feuille} »" if feuille else "classeur vide"],
                            attendu="une feuille parmi " + ", ".join(feuilles(src)))
    lues = [f for f in toutes if f.visible] or toutes
    lue = max(lues, key=lambda f: len(f.lignes))
    brut = en_brut(lue, fichier, colonnes, limite)
    if len(lues) > 1:
        brut.remarques.insert(0, f"feuille lue : « {lue.nom} » (sur {len(lues)})")
    return brut


def lire_feuilles(src: octets.Fichier, *, feuille: str | None = None, borne: int | None = None,
                  prudent: bool = False) -> list[Feuille]:
    """Toutes les feuilles, ou celle qu'on nomme.

    Parameters
    ----------
    src : octets.Fichier
    feuille : str, optional
    borne : int, optional
        Nombre de lignes de chaque feuille (aperçu).
    prudent : bool
        Cellule par cellule, formules et cases fusionnées comprises, virgule décimale : le fichier vient d'un usager,
        à qui ses chiffres seront montrés comme il les voit.

    Raises
    ------
    EntreeFautive
        Classeur abîmé ou protégé.
    """
    try:
        with octets.lisible(src.chemin):
            if src.format != "xlsx":
                return list(_feuilles_ods(src, virgule=prudent))
            traits = _FORMULES if prudent or borne is not None else _traits(src)
            if not traits:
                return list(_feuilles_vite(src, feuille))
            formules = borne is None and _FORMULES in traits
            return list(_feuilles_xlsx(src, feuille, borne, formules=formules, prudent=prudent))
    except EntreeFautive:
        raise
    except Exception as cause:  # un classeur abîmé fait lever n'importe quoi à la bibliothèque qui le lit
        raise EntreeFautive(
            src.chemin.name, [f"classeur illisible, abîmé ou protégé : {en_clair(cause)}"],
            conseil="ouvrez-le dans le tableur et enregistrez-le à nouveau, sans mot de passe") from cause


def en_brut(feuille: Feuille, fichier: str, colonnes: Choix, limite: int | None) -> Brut:
    """D'une feuille à un :class:`Brut`."""
    numerotes = [(n, r) for n, r in feuille.lignes if any(c.strip() for c in r)]
    if not numerotes:
        raise EntreeFautive(fichier, ["feuille vide"])
    i = trouver_entete([r for _, r in numerotes], fichier)
    ligne, entete = numerotes[i]
    donnees = numerotes[i + 1:]
    largeur = max((k + 1 for k, c in enumerate(entete) if c.strip()), default=0)
    noms, remarques = nommer(entete[:largeur])
    if ligne > 1:
        remarques.insert(0, f"{ligne - 1} ligne(s) d'habillage ôtée(s) avant l'en-tête")
    # Note de bas de tableau : une seule cellule remplie, la première, sous des données bien plus larges.
    pied = 0
    while donnees and sum(bool(c.strip()) for c in donnees[-1][1]) == 1 and largeur >= 3 \
            and est_une_note(donnees[-1][1][0]):
        donnees.pop()
        pied += 1
    if pied:
        remarques.append(f"{pied} ligne(s) de notes ôtée(s) sous le tableau")
    entieres = len(donnees)
    donnees = [(n, r) for n, r in donnees if [c.strip() for c in r[:largeur]] != noms]
    if len(donnees) < entieres:
        remarques.append(f"{entieres - len(donnees)} en-tête(s) répété(s) ôté(s)")
    if limite is not None:
        donnees = donnees[:limite]
    voulues = choisir(noms, colonnes)
    table = pd.DataFrame(
        {noms[k]: pd.Series([r[k].strip() if k < len(r) else "" for _, r in donnees], dtype="str")
         for k in voulues}, index=pd.RangeIndex(len(donnees)))
    return Brut(table, np.array([n for n, _ in donnees], dtype=int), noms, [], remarques, fichier)


def en_texte(valeur) -> str:
    """Écrit une valeur typée comme un CSV officiel l'écrirait.

    >>> [en_texte(v) for v in (1001, 1001.0, 12.5, None, True)]
    ['1001', '1001', '12.5', '', 'oui']
    """
    if valeur is None or (isinstance(valeur, float) and np.isnan(valeur)):
        return ""
    if isinstance(valeur, bool | np.bool_):
        return "oui" if valeur else "non"
    if isinstance(valeur, float | np.floating):
        reel = float(valeur)
        return str(int(reel)) if reel.is_integer() and abs(reel) < 1e15 else repr(reel)
    if isinstance(valeur, dt.datetime):
        return valeur.date().isoformat() if valeur.time() == dt.time() else valeur.isoformat()
    if isinstance(valeur, dt.date):
        return valeur.isoformat()
    if isinstance(valeur, list | tuple | np.ndarray):
        return " | ".join(en_texte(v) for v in valeur)
    return str(valeur)


def _en_case(valeur, virgule: bool = False) -> str:
    """Le texte d'une case ; ``virgule`` : un nombre s'y écrit comme le tableur français l'écrirait dans un CSV.

    >>> [_en_case(v, virgule=True) for v in (12.5, 0.00001, 53084.0, "12.5")], _en_case(12.5)
    (['12,5', '0,00001', '53084', '12.5'], '12.5')
    """
    if isinstance(valeur, str):
        return valeur.replace("\0", "\ufffd")
    texte = en_texte(valeur)
    if not virgule or not isinstance(valeur, float):
        return texte
    long = "e" in texte or texte.endswith(".0")
    return (np.format_float_positional(valeur, trim="-") if long else texte).replace(".", ",")


# --- xlsx ---


def _contenu(src: octets.Fichier):
    """Le classeur : son chemin, ou ses octets s'il est dans une archive (l'accès direct y est nécessaire)."""
    return io.BytesIO(src.tout()) if src.compression else src.chemin


def _ouvrir_xlsx(src: octets.Fichier, *, calcule: bool = True):
    import openpyxl
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

    # Style absent, extension inconnue : des remarques d'Excel qui ne touchent pas aux valeurs.
    warnings.filterwarnings("ignore", module="openpyxl")
    with _SANS_DIMENSIONS:
        # Sans dimension écrite, openpyxl lirait chaque feuille entière pour la chercher ; on n'en veut pas.
        chercher, ReadOnlyWorksheet._get_size = ReadOnlyWorksheet._get_size, lambda onglet: None
        try:
            classeur = openpyxl.load_workbook(_contenu(src), read_only=True, data_only=calcule, keep_links=False)
        finally:
            ReadOnlyWorksheet._get_size = chercher
    if not classeur.worksheets:
        # Dans la variante stricte d'Excel, openpyxl ne voit aucune feuille, et se tait.
        classeur.close()
        raise EntreeFautive(
            src.chemin.name, ["aucune feuille lue : classeur sans tableau, ou au format « Open XML strict »"],
            conseil="dans Excel, « Enregistrer sous », type « Classeur Excel (*.xlsx) »")
    return classeur


_FORMULES, _AUTRES = "f", "*"
# Le seul format qui compte : « 00000 », et rien d'autre.
_ZEROS = re.compile(rb"""formatCode=["']00+["']""")


def _traits(src: octets.Fichier) -> str:
    """Ce qui, dans un classeur, demande à lire cellule par cellule : des formules, des formats, des erreurs.

    calamine, vingt fois plus rapide, ne dit ni le format « 00000 » qui garde les zéros d'un code, ni une formule
    sans valeur, et rend vide une cellule en erreur.
    """
    trouves = set()
    with zipfile.ZipFile(_contenu(src)) as archive:
        for nom in archive.namelist():
            if nom == "xl/styles.xml" and _ZEROS.search(archive.read(nom)):
                trouves.add(_AUTRES)
            if nom.startswith("xl/worksheets/"):
                with archive.open(nom) as flux:
                    fin = b""
                    while bloc := flux.read(1 << 20):
                        vu = fin + bloc
                        # Les deux guillemets se valent : tout écrivain ne prend pas le même.
                        if b't="e"' in vu or b"t='e'" in vu:
                            trouves.add(_AUTRES)
                        if b"<f>" in vu or b"<f " in vu or b"<f/" in vu:
                            trouves.add(_FORMULES)
                        fin = bloc[-5:]
    return "".join(trouves)


def _feuilles_vite(src: octets.Fichier, feuille: str | None) -> Iterator[Feuille]:
    from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

    contenu = _contenu(src)
    lu = CalamineWorkbook.from_filelike(contenu) if src.compression else CalamineWorkbook.from_path(contenu)
    for onglet in lu.sheets_metadata:
        if onglet.typ == SheetTypeEnum.WorkSheet and feuille in (None, onglet.name):
            lue = Feuille(onglet.name, visible=onglet.visible == SheetVisibleEnum.Visible)
            rangs = lu.get_sheet_by_name(onglet.name).to_python(skip_empty_area=False)
            for numero, rang in enumerate(rangs, start=1):
                lue.ajouter(numero, [_en_case(v) for v in rang])
            yield lue


def _feuilles_xlsx(src: octets.Fichier, feuille: str | None, borne: int | None, *, formules: bool,
                   prudent: bool) -> Iterator[Feuille]:
    # Deux lectures s'il y a des formules : ce qui est écrit d'un côté, la dernière valeur calculée de l'autre.
    calcule, ecrit = _ouvrir_xlsx(src), _ouvrir_xlsx(src, calcule=False) if formules else None
    try:
        for onglet in calcule.worksheets:
            if feuille not in (None, onglet.title):
                continue
            lue = Feuille(onglet.title, visible=onglet.sheet_state == "visible")
            # La dimension écrite dans le fichier est parfois fausse ; on lit ce qui est là.
            onglet.reset_dimensions()
            rangs = islice(onglet.iter_rows(), borne)
            for numero, rang in enumerate(rangs, start=1):
                lue.ajouter(numero, [_texte_xlsx(case, prudent) for case in rang])
            if ecrit is not None:
                _marquer_les_formules(lue, ecrit[onglet.title])
            if prudent:
                lue.plages, masquees = _fusions_et_masquees(src, onglet)
                if dites := [str(n) for n, _ in lue.lignes if n in masquees]:
                    lue.remarques.append(f"feuille « {lue.nom} » : {len(dites)} ligne(s) masquée(s) dans le tableur "
                                         f"(filtre ?), lue(s) comme les autres : {', '.join(dites[:20])}")
            yield lue
    finally:
        calcule.close()
        if ecrit is not None:
            ecrit.close()


def _marquer_les_formules(feuille: Feuille, onglet) -> None:
    onglet.reset_dimensions()
    lignes = dict(feuille.lignes)
    for numero, rang in enumerate(onglet.iter_rows(), start=1):
        for colonne, case in enumerate(rang):
            if case.data_type == "f":
                feuille.formules.add((numero, colonne))
                cellules = lignes.setdefault(numero, [])
                cellules += [""] * (colonne + 1 - len(cellules))
                cellules[colonne] = cellules[colonne] or SANS_VALEUR
    feuille.lignes = sorted(lignes.items())


def _fusions_et_masquees(src: octets.Fichier, onglet) -> tuple[list[tuple[int, int, int, int]], set[int]]:
    """Cases fusionnées et lignes masquées : la lecture au fil de l'eau d'openpyxl ne les dit pas."""
    from openpyxl.utils import range_boundaries

    limites, masquees = [], set()
    with zipfile.ZipFile(_contenu(src)) as archive, archive.open(onglet._worksheet_path) as flux:
        for _, noeud in ElementTree.iterparse(flux):
            if noeud.tag.endswith("}mergeCell") and noeud.get("ref"):
                gauche, haut, droite, bas = range_boundaries(noeud.get("ref"))
                limites.append((haut, gauche - 1, bas, droite - 1))
            elif noeud.tag.endswith("}row"):
                if noeud.get("hidden") in ("1", "true") and noeud.get("r"):
                    masquees.add(int(noeud.get("r", "0")))
                noeud.clear()
    return limites, masquees


def _texte_xlsx(cellule, virgule: bool) -> str:
    valeur = cellule.value
    texte = _en_case(valeur, virgule)
    if isinstance(valeur, int | float) and texte.isdigit():
        zeros = re.fullmatch(r"0+", cellule.number_format or "")
        return texte.zfill(len(zeros[0])) if zeros else texte
    return texte


# --- ods ---


def _feuilles_ods(src: octets.Fichier, *, lire_lignes: bool = True, virgule: bool = False) -> Iterator[Feuille]:
    caches: set[str] = set()
    with zipfile.ZipFile(_contenu(src)) as archive, archive.open("content.xml") as flux:
        feuille, numero = Feuille(""), 0
        for evenement, noeud in ElementTree.iterparse(flux, events=("start", "end")):
            if evenement == "start":
                if noeud.tag == f"{_T}table":
                    visible = noeud.get(f"{_T}style-name", "") not in caches
                    feuille, numero = Feuille(noeud.get(f"{_T}name", ""), visible=visible), 0
            elif noeud.tag == f"{_S}style":
                if any(p.get(f"{_T}display") == "false" for p in noeud):
                    caches.add(noeud.get(f"{_S}name", ""))
            elif noeud.tag == f"{_T}table-row":
                if lire_lignes:
                    numero = _ajouter_ligne(feuille, numero, noeud, virgule)
                noeud.clear()
            elif noeud.tag == f"{_T}table":
                yield feuille
                noeud.clear()


def _ajouter_ligne(feuille: Feuille, numero: int, noeud: ElementTree.Element, virgule: bool) -> int:
    """Ajoute une ligne (répétée, peut-être) après la ligne ``numero`` ; rend le numéro de la dernière."""
    rang: list[str] = []
    formules: list[int] = []
    for cellule in noeud:
        if cellule.tag not in (f"{_T}table-cell", f"{_T}covered-table-cell"):
            continue
        texte = _texte_ods(cellule, virgule)
        hauteur = int(cellule.get(f"{_T}number-rows-spanned", "1"))
        if hauteur > 1:
            feuille.plages.append((numero + 1, len(rang), numero + hauteur, len(rang)))
        if cellule.get(f"{_T}formula"):
            formules.append(len(rang))
            texte = texte or SANS_VALEUR
        fois = int(cellule.get(f"{_T}number-columns-repeated", "1"))
        # La fin d'une ligne est souvent « vide, répétée 16 000 fois ».
        rang += [texte] * (min(fois, _LARGEUR_MAX - len(rang)) if texte else min(fois, 512))
    fois = int(noeud.get(f"{_T}number-rows-repeated", "1"))
    if any(rang):
        vraies = min(fois, max(0, _LIGNES_MAX - numero))
        feuille.ajouter(numero + 1, rang, vraies)
        feuille.formules |= {(numero + 1 + k, colonne) for colonne in formules for k in range(vraies)}
    return numero + fois


def _paragraphe(noeud: ElementTree.Element) -> str:
    """Texte d'un paragraphe : ses sauts de ligne, ses tabulations et ses espaces répétées sont des éléments."""
    espaces = min(int(noeud.get(f"{_X}c", "1")), 50)
    blancs = {f"{_X}line-break": "\n", f"{_X}tab": "\t", f"{_X}s": " " * espaces}
    if noeud.tag in blancs:
        return blancs[noeud.tag]
    if not noeud.tag.startswith(_X):
        return ""
    return (noeud.text or "") + "".join(_paragraphe(e) + (e.tail or "") for e in noeud)


def _texte_ods(cellule: ElementTree.Element, virgule: bool) -> str:
    genre = cellule.get(f"{_O}value-type", "")
    # Les seuls paragraphes de la cellule : une note, une forme posée dessus en ont aussi, plus bas.
    affiche = "\n".join(_paragraphe(p) for p in cellule.findall(f"{_X}p"))
    if genre == "boolean":
        return "oui" if cellule.get(f"{_O}boolean-value", affiche).lower() in ("true", "vrai") else "non"
    if genre in ("float", "percentage", "currency"):
        # Un code affiché « 01001 » est rangé comme le nombre 1001 : l'affichage garde le zéro.
        if re.fullmatch(r"0\d+", affiche.strip()):
            return affiche.strip()
        return _en_case(float(cellule.get(f"{_O}value", "nan")), virgule)
    if genre == "date":
        return cellule.get(f"{_O}date-value", "").removesuffix("T00:00:00")
    return affiche
