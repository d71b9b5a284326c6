"""Relire un dossier de sortie : tout ce que ses fichiers montrent d'un territoire, et ce qu'ils taisent."""

from __future__ import annotations

import csv
import html
import io
import json
import math
import re
import sqlite3
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

from cafdiag.erreurs import en_clair
from cafdiag.indicateurs.dictionnaire import dictionnaire
from cafdiag.restitution.formats import STATUTS, nom_court
from cafdiag.restitution.relecture_documents import Tableau, descriptions_html, pdf, png, pptx, svg
from cafdiag.restitution.types_mime import MIME_MESURES, deplier

_NOMBRES = ("valeur", "numerateur", "denominateur", "bas", "haut")
# Les colonnes des mesures, telles que le tableur les nomme.
_TABLEUR = {
    "Code": "territoire", "Maille": "maille", "Territoire": "nom", "Code de l'indicateur": "indicateur",
    "Année": "annee", "Valeur": "valeur", "Numérateur": "numerateur", "Dénominateur": "denominateur", "Bas": "bas",
    "Haut": "haut", "Statut": "statut",
}  # fmt: skip
_STATUTS = {s.libelle: cle for cle, s in STATUTS.items()}
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_LONGUEUR_SIREN = 9
_AUTRES_PARTIES = re.compile(r"word/(?:header|footer|footnotes|endnotes|comments)\d*\.xml")
_ESPACES = re.compile(r"[\s\u202f\u00a0]")

Ligne = dict[str, object]


@dataclass(frozen=True)
class Fait:
    """Ce qu'un fichier dit d'un indicateur pour un territoire : des nombres, ou qu'il le tait.

    ``demi`` : la moitié de la dernière décimale écrite, quand le nombre est arrondi pour être lu.
    """

    fichier: str
    maille: str
    code: str
    nom: str
    indicateur: str
    annee: int | None
    secret: bool
    nombres: dict[str, float]
    demi: float = 0.0
    exact: bool = False


@dataclass
class Relecture:
    """Un dossier relu : les faits, les fichiers lus, ceux qui ne le sont pas et ceux qui sont abîmés."""

    faits: list[Fait] = field(default_factory=list)
    lus: list[str] = field(default_factory=list)
    non_lus: list[str] = field(default_factory=list)
    illisibles: dict[str, str] = field(default_factory=dict)


def relire(*dossiers: Path) -> Relecture:
    """Lit tous les fichiers de ces dossiers et de leurs sous-dossiers, comme un seul."""
    rendu, tableaux = Relecture(), []
    trouves = [(p, dossier) for dossier in dossiers for p in sorted(dossier.rglob("*")) if p.is_file()]
    for chemin, dossier in trouves:
        nom = chemin.relative_to(dossier).as_posix()
        if len(dossiers) > 1:
            nom = f"{dossier.name}/{nom}"
        lire = _LECTEURS.get(chemin.suffix.lower())
        if lire is None:
            rendu.non_lus.append(nom)
            continue
        try:
            lu = lire(chemin)
        except (OSError, ValueError, LookupError, csv.Error, ElementTree.ParseError, zipfile.BadZipFile,
                sqlite3.Error) as cause:  # fmt: skip
            rendu.illisibles[nom] = en_clair(cause)
            continue
        if lu is None:
            rendu.non_lus.append(nom)
            continue
        lignes, siens = lu
        rendu.lus.append(nom)
        rendu.faits += [f for r in lignes if (f := _fait(nom, r)) is not None]
        tableaux.append((nom, siens))
    # Un tableau nomme les territoires sans leur code : les fichiers de données les disent.
    lecteur = _Tableaux(rendu.faits)
    for nom, siens in tableaux:
        rendu.faits += lecteur.lire(nom, siens)
    return rendu


def _fait(fichier: str, r: Ligne) -> Fait | None:
    if not r.get("indicateur") or not r.get("territoire"):
        return None
    annee = _nombre(r.get("annee"))
    return Fait(
        fichier,
        str(r.get("maille") or ""),
        str(r["territoire"]),
        str(r.get("nom") or ""),
        str(r["indicateur"]),
        None if annee is None else int(annee),
        r.get("statut") == "secret",
        {c: x for c in _NOMBRES if (x := _nombre(r.get(c))) is not None},
        exact=r.get("statut") == "exact",
    )


def _nombre(x: object) -> float | None:
    try:
        nombre = math.nan if x in (None, "") else float(x)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return nombre if math.isfinite(nombre) else None


# --- Un lecteur par format : des lignes de mesures, et des tableaux à rapprocher par les noms ---


def _csv(chemin: Path) -> tuple[list[Ligne], list[Tableau]]:
    return _csv_texte(chemin.read_text(encoding="utf-8-sig")), []


def _csv_texte(texte: str) -> list[Ligne]:
    return list(csv.DictReader(io.StringIO(texte), strict=True))


def _json(chemin: Path) -> tuple[list[Ligne], list[Tableau]]:
    contenu = json.loads(chemin.read_text(encoding="utf-8"))
    if isinstance(contenu, dict) and contenu.get("type") == "FeatureCollection":
        return [r for f in contenu["features"] for r in _couche(f.get("properties") or {})], []
    return [o for o in _objets(contenu) if "indicateur" in o], []


def _objets(x: object) -> Iterator[Ligne]:
    if isinstance(x, dict):
        yield x
        x = list(x.values())
    if isinstance(x, list):
        for y in x:
            yield from _objets(y)


def _couche(proprietes: Ligne) -> Iterator[Ligne]:
    """Une entité d'une couche : une colonne par indicateur, son année et son statut à côté."""
    for c in proprietes:
        if c.endswith("_statut"):
            i = c.removesuffix("_statut")
            yield {
                "territoire": proprietes.get("code"),
                "nom": proprietes.get("nom"),
                "indicateur": i,
                "annee": proprietes.get(f"{i}_annee"),
                "valeur": proprietes.get(i),
                "bas": proprietes.get(f"{i}_bas"),
                "haut": proprietes.get(f"{i}_haut"),
                "statut": proprietes[c],
            }


def _gpkg(chemin: Path) -> tuple[list[Ligne], list[Tableau]]:
    lien = sqlite3.connect(f"{chemin.resolve().as_uri()}?mode=ro", uri=True)
    lien.row_factory = sqlite3.Row
    try:
        couches = [r[0] for r in lien.execute("SELECT table_name FROM gpkg_contents ORDER BY table_name")]
        lignes = [
            r
            for nom in couches
            for entite in lien.execute('SELECT * FROM "{}"'.format(nom.replace('"', '""')))
            for r in _couche(dict(entite))
        ]
    finally:
        lien.close()
    return lignes, []


def _xlsx(chemin: Path) -> tuple[list[Ligne], list[Tableau]]:
    import openpyxl

    classeur = openpyxl.load_workbook(chemin, read_only=True, data_only=True)
    lignes: list[Ligne] = []
    tableaux: list[Tableau] = []
    try:
        for feuille in classeur:
            entetes: list[str] = []
            cases: list[list[str]] = []
            for r in feuille.iter_rows(values_only=True):
                if "Code de l'indicateur" in r and "Code" in r:
                    entetes = [_TABLEUR.get(str(c), "") for c in r]
                elif entetes:
                    lue = {c: x for c, x in zip(entetes, r, strict=False) if c}
                    lignes.append(lue | {"statut": _STATUTS.get(str(lue.get("statut")), lue.get("statut"))})
                else:
                    cases.append([_case_dite(x) for x in r])
            tableaux.append(("", cases))
    finally:
        classeur.close()
    return lignes, tableaux


def _case_dite(x: object) -> str:
    """Une case d'un tableau à lire, écrite comme un document l'écrirait."""
    if isinstance(x, int | float):
        return f"{x:.10g}".replace(".", ",")
    return "" if x is None else str(x)


def _docx(chemin: Path) -> tuple[list[Ligne], list[Tableau]]:
    with zipfile.ZipFile(chemin) as archive:
        # Le corps d'abord ; puis ce qu'on oublie : en-têtes, pieds de page, notes, commentaires.
        autres = [n for n in archive.namelist() if _AUTRES_PARTIES.fullmatch(n)]
        sources = [archive.read(nom) for nom in ("word/document.xml", *autres)]
    tableaux: list[Tableau] = []
    for source in sources:
        avant = ""
        tableaux += descriptions_html(source.decode("utf-8"))
        for noeud in ElementTree.fromstring(source).iter():
            if noeud.tag == f"{_W}p":
                avant = _texte_docx(noeud) or avant
            elif noeud.tag == f"{_W}tbl":
                tableaux.append(
                    (avant, [[_texte_docx(c) for c in r.iter(f"{_W}tc")] for r in noeud.iter(f"{_W}tr")])
                )
    return [], tableaux


def _texte_docx(noeud: ElementTree.Element) -> str:
    return "".join(t.text or "" for t in noeud.iter(f"{_W}t")).strip()


def _html(chemin: Path) -> tuple[list[Ligne], list[Tableau]]:
    return [], _html_texte(chemin.read_text(encoding="utf-8"))


def _html_texte(page: str) -> list[Tableau]:
    tableaux: list[Tableau] = []
    for table in re.findall(r"<table.*?</table>", page, re.S):
        lignes = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", r, re.S) for r in re.findall(r"<tr.*?</tr>", table, re.S)]
        legende = "".join(re.findall(r"<caption[^>]*>(.*?)</caption>", table, re.S))
        tableaux.append((_nu(legende), [[_nu(c) for c in r] for r in lignes]))
    # « l » d'une entité de carte : son nom, « Libellé (2024) : 51,7 % », son statut.
    for brute in re.findall(r'"l":(\["[^\]]*?"\])', page):
        try:
            textes = json.loads(brute)
        except ValueError:
            continue
        for texte in textes[1:]:
            libelle, _, dite = str(texte).rpartition(" : ")
            tableaux.append(("", [["", str(textes[0])], [re.sub(r" \(\d{4}\)$", "", libelle), dite]]))
    return tableaux + descriptions_html(page)


def _nu(cellule: str) -> str:
    """Le texte d'une cellule ; ce qui y est en petit (unité, année, intervalle), à la ligne."""
    return html.unescape(re.sub(r"<[^>]+>", "", re.sub(r"<small\b", "\n<small", cellule))).strip()


def _ipynb(chemin: Path) -> tuple[list[Ligne], list[Tableau]]:
    lignes: list[Ligne] = []
    tableaux: list[Tableau] = []
    for cellule in json.loads(chemin.read_text(encoding="utf-8"))["cells"]:
        for sortie in cellule.get("outputs", ()):
            donnees = sortie.get("data", {})
            tableaux += _html_texte("".join(donnees.get("text/html", "")))
            mesures = deplier(donnees.get(MIME_MESURES))
            if isinstance(mesures, dict) and isinstance(mesures.get("csv"), str):
                # Un carnet d'avant portait le texte du fichier.
                lignes += _csv_texte(mesures["csv"])
            elif isinstance(mesures, dict) and isinstance(mesures.get("lignes"), list):
                noms = [str(c) for c in mesures.get("colonnes", ())]
                for ligne in (li for li in mesures["lignes"] if isinstance(li, list)):
                    lignes.append(dict(zip(noms, ("" if x is None else str(x) for x in ligne), strict=False)))
    return lignes, tableaux


def _document(lire: Callable[[Path], list[Tableau] | None], chemin: Path) -> tuple[list[Ligne], list[Tableau]] | None:
    tableaux = lire(chemin)
    return None if tableaux is None else ([], tableaux)


_LECTEURS: dict[str, Callable[[Path], tuple[list[Ligne], list[Tableau]] | None]] = {
    ".csv": _csv,
    ".json": _json,
    ".geojson": _json,
    ".gpkg": _gpkg,
    ".xlsx": _xlsx,
    ".docx": _docx,
    ".html": _html,
    ".ipynb": _ipynb,
    **{f".{lire.__name__}": partial(_document, lire) for lire in (pdf, pptx, svg, png)},
}


class _Tableaux:
    """Les tableaux écrits pour être lus : un territoire sur un axe, un indicateur sur l'autre."""

    def __init__(self, faits: Iterable[Fait]) -> None:
        self.lieux: dict[str, tuple[str, str] | None] = {}
        self.annees: dict[tuple[str, str], int | None] = {}
        for f in faits:
            ici = (f.maille, f.code)
            connu = self.lieux.setdefault(f.nom, ici)
            # Deux communes de même nom : le tableau ne dit pas laquelle.
            if connu is not None and connu[1] != f.code:
                self.lieux[f.nom] = None
            self.annees[(f.code, f.indicateur)] = f.annee
        # Un graphique abrège « CC de l'Ernée » en « Ernée » : son nom entier, s'il est celui d'un autre, l'emporte.
        for nom, lieu in list(self.lieux.items()):
            if lieu is not None and len(lieu[1]) == _LONGUEUR_SIREN:
                self.lieux.setdefault(nom_court(nom), lieu)
        self.indicateurs: dict[str, tuple[str, int, str]] = {}
        for code, d in dictionnaire().iterrows():
            for libelle in (d["libelle_court"], d["libelle"], f"{d['libelle_court']} ({d['unite']})"):
                self.indicateurs.setdefault(libelle, (str(code), int(d["decimales"]), str(d["unite"])))

    def lire(self, fichier: str, tableaux: Iterable[Tableau]) -> Iterator[Fait]:
        """Les faits de ces tableaux."""
        for legende, lignes in tableaux:
            entetes = lignes[0] if lignes else []
            for cellules in lignes[1:]:
                if not cellules:
                    continue
                for entete, cellule in zip(entetes[1:], cellules[1:], strict=False):
                    for lieu, libelle in ((entete, cellules[0]), (cellules[0], entete), (cellules[0], legende)):
                        fait = self._fait(fichier, lieu, libelle, cellule)
                        if fait is not None:
                            yield fait
                            break

    def _indicateur(self, dit: str) -> tuple[str, int] | None:
        """L'indicateur que nomme une case : son libellé, seul ou suivi de son unité."""
        if seule := self.indicateurs.get(dit.partition("\n")[0].strip()):
            return seule[:2]
        mots = dit.split()
        for n in range(len(mots), 0, -1):
            connu, suite = self.indicateurs.get(" ".join(mots[:n])), " ".join(mots[n:])
            if connu and (not suite or suite.startswith(connu[2])):
                return connu[:2]
        return None

    def _fait(self, fichier: str, lieu: str, libelle: str, cellule: str) -> Fait | None:
        ici, indicateur = self.lieux.get(lieu.partition("\n")[0].strip()), self._indicateur(libelle)
        if not ici or not indicateur or (ici[1], indicateur[0]) not in self.annees:
            return None
        trouve = re.match(r"([-−]?\d[\d\u202f\u00a0 ]*)(?:,(\d+))?", cellule)
        nombres, demi = {}, 0.0
        if trouve:
            entier = _ESPACES.sub("", trouve[1]).replace("−", "-")
            nombres = {"valeur": float(f"{entier}.{trouve[2] or 0}")}
            demi = 0.5 * 10.0 ** -len(trouve[2] or "")
        # L'année que la case écrit ; à défaut, celle du fichier de données.
        dite = re.search(r"\b(?:19|20)\d\d\s*$", libelle)
        annee = int(dite[0]) if dite else self.annees[(ici[1], indicateur[0])]
        return Fait(fichier, *ici, lieu, indicateur[0], annee, cellule.split("\n")[0] == "s", nombres, demi)
