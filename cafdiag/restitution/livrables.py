"""Les livrables d'un carnet exécuté : une table, un format par ligne. Chacun ne charge que ce qui lui sert."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any

from cafdiag.erreurs import ProductionImpossible
from cafdiag.restitution import jointes, redacteurs
from cafdiag.restitution.carte import MIME_CARTE, Carte
from cafdiag.restitution.document import Document, Element, Planche, de_json
from cafdiag.restitution.identite import Identite
from cafdiag.restitution.types_mime import (
    HORS_DU_RAPPORT,
    MIME_BLOC,
    MIME_GARDE,
    MIME_MESURES,
    MIME_NOTE,
    deplier,
)

if TYPE_CHECKING:
    import pandas as pd

    from cafdiag.indicateurs.actions import Action

_CONSEIL = "reprenez le gabarit d'origine, templates/diagnostic_ctg.ipynb"
Contenus = Mapping[str, str | bytes]


def sorties(carnet) -> Iterator[dict[str, Any]]:
    """Sorties affichées d'un carnet exécuté, dans l'ordre."""
    for cellule in carnet.cells:
        for sortie in cellule.get("outputs", []):
            if sortie.get("output_type") in ("display_data", "execute_result"):
                yield sortie["data"]


@dataclass
class Matiere:
    """Ce dont les livrables sont faits : le carnet exécuté, et ce que la demande y ajoute.

    Attributes
    ----------
    carnet : notebook
    identite : Identite
        Ce qui s'écrit en tête et au pied de la note, et sur la première diapositive.
    modele : bytes
        Le modèle des diapositives, déjà contrôlé ; vide : le nôtre.
    actions : sequence of Action
        Celles de l'usager, pour les fiches ; vide : une fiche par enjeu, et le tableau à remplir.
    """

    carnet: Any
    identite: Identite = field(default_factory=Identite)
    modele: bytes = b""
    actions: Sequence[Action] = ()

    def seule(self, mime: str) -> Any:
        """La sortie du carnet de ce type ; il n'y en a qu'une."""
        trouvees = [deplier(d[mime]) for d in sorties(self.carnet) if mime in d]
        if len(trouvees) != 1:
            raise ProductionImpossible(
                f"le carnet a produit {len(trouvees)} sortie(s) {mime}", attendu="une seule", conseil=_CONSEIL
            )
        return trouvees[0]

    @cached_property
    def document(self) -> Document:
        """Le rapport : les morceaux du carnet, dans l'ordre."""
        garde = self.seule(MIME_GARDE)
        elements: list[Element] = []
        for donnees in sorties(self.carnet):
            if MIME_CARTE in donnees:
                elements.append(Planche(deplier(donnees[MIME_CARTE])))
            elif MIME_BLOC in donnees and MIME_GARDE not in donnees and not HORS_DU_RAPPORT & set(donnees):
                elements += de_json(deplier(donnees[MIME_BLOC])["elements"])
        return Document(
            titre=garde["titre"],
            sous_titre=garde["sous_titre"],
            maille=garde.get("maille", ""),
            situation=garde["situation"],
            avertissements=tuple(garde.get("avertissements", ())),
            elements=tuple(elements),
        )

    @cached_property
    def cartes(self) -> list[Carte]:
        """Les cartes que le carnet a gardées, dans l'ordre."""
        return [Carte.lire(deplier(d[MIME_CARTE])) for d in sorties(self.carnet) if MIME_CARTE in d]

    @cached_property
    def note(self) -> Mapping[str, Any]:
        """Ce que le carnet a préparé pour la note, les diapositives et les fiches."""
        if not any(MIME_NOTE in d for d in sorties(self.carnet)):
            raise ProductionImpossible(
                "le carnet n'a rien préparé pour la note",
                attendu="une cellule « d.note() »",
                conseil=_CONSEIL,
            )
        return self.seule(MIME_NOTE)

    @cached_property
    def mesures(self) -> pd.DataFrame:
        """Les mesures jointes au rapport."""
        return jointes.de_json(self.seule(MIME_MESURES))


def texte_du_carnet(matiere: Matiere) -> Contenus:
    """Le carnet en texte, sans horodatage : même entrée, même version, mêmes octets."""
    carnet = _sans(matiere.carnet, "papermill")
    # Les cellules injectées par papermill reçoivent un identifiant au hasard.
    carnet["cells"] = [_cellule(c) | {"id": f"cellule-{rang:02d}"} for rang, c in enumerate(matiere.carnet.cells)]
    return {"ipynb": _en_json(carnet)}


def _sans(noeud: Mapping[str, Any], *oublies: str) -> dict[str, Any]:
    """Un carnet ou une cellule, sans ces précisions-là."""
    return {**noeud, "metadata": {nom: v for nom, v in noeud["metadata"].items() if nom not in oublies}}


def _cellule(cellule: Mapping[str, Any]) -> dict[str, Any]:
    """Une cellule telle qu'elle s'écrit : un texte y est une liste de lignes."""
    ecrite = _sans(cellule, "execution", "papermill", "trusted") | {"source": cellule["source"].splitlines(True)}
    if "outputs" in cellule:
        # Ce que la machine murmure (cache de polices à construire, fontconfig mal réglé) n'est pas un résultat.
        ecrite["outputs"] = [_sortie(s) for s in cellule["outputs"] if s.get("name") != "stderr"]
    return ecrite


def _sortie(sortie: Mapping[str, Any]) -> dict[str, Any]:
    def lignes(mime: str, valeur: Any) -> Any:
        coupe = isinstance(valeur, str) and (mime.startswith("text/") or mime in _EN_LIGNES)
        return valeur.splitlines(True) if coupe else valeur

    if "data" in sortie:
        return {**sortie, "data": {mime: lignes(mime, v) for mime, v in sortie["data"].items()}}
    return {**sortie, "text": sortie["text"].splitlines(True)} if "text" in sortie else dict(sortie)


_EN_LIGNES = ("application/javascript", "image/svg+xml")


def _en_json(valeur: Any, retrait: str = "\n ") -> str:
    """Comme ``nbformat.writes``, dix fois plus vite : une table entière n'y passe pas nombre par nombre.

    Le JSON en retrait de Python s'écrit hors de son code compilé ; ici, seul ce qui contient autre chose y échappe.

    Examples
    --------
    >>> print(_en_json({"b": [1, [2.5, None]], "a": {}}))
    {
     "a": {},
     "b": [
      1,
      [
       2.5,
       null
      ]
     ]
    }
    """
    if isinstance(valeur, str):
        return encode_basestring(valeur)
    if not isinstance(valeur, _CONTENANTS) or not valeur:
        return json.dumps(valeur)
    suite, autre = f",{retrait}", f"{retrait} "
    if isinstance(valeur, dict):
        dedans = suite.join([f"{encode_basestring(nom)}: {_en_json(v, autre)}" for nom, v in sorted(valeur.items())])
        return f"{{{retrait}{dedans}{retrait[:-1]}}}"
    if any(isinstance(v, _CONTENANTS) for v in valeur):
        dedans = suite.join([_en_json(v, autre) for v in valeur])
    else:
        dedans = _encodeur(suite).encode(valeur)[1:-1]
    return f"[{retrait}{dedans}{retrait[:-1]}]"


_CONTENANTS = (dict, list, tuple)


@lru_cache(maxsize=32)
def _encodeur(suite: str) -> json.JSONEncoder:
    return json.JSONEncoder(ensure_ascii=False, separators=(suite, ": "))


def _document(format_: str) -> Callable[[Matiere], Contenus]:
    return lambda matiere: {format_: redacteurs.rediger(matiere.document, format_)}


def _note(matiere: Matiere) -> Contenus:
    from cafdiag.restitution.rendu_note import rendre_note

    page, imprimee = rendre_note(matiere.note, matiere.cartes, matiere.identite)
    return {"note": page, "note_pdf": imprimee}


def _pptx(matiere: Matiere) -> Contenus:
    from cafdiag.restitution.rendu_pptx import rendre_pptx

    return {"pptx": rendre_pptx(matiere.note, matiere.cartes, matiere.identite, matiere.modele)}


def _fiches(matiere: Matiere) -> Contenus:
    from cafdiag.restitution.fiches_actions import Fiches

    fiches = Fiches(matiere.note, matiere.mesures, matiere.actions)
    rendus: dict[str, str | bytes] = {"fiches": fiches.docx(matiere.identite)}
    return rendus if matiere.actions else rendus | {"actions": fiches.xlsx()}


def _xlsx(matiere: Matiere) -> Contenus:
    from cafdiag.restitution.rendu_xlsx import rendre_xlsx

    garde = matiere.seule(MIME_GARDE)
    dite = {"titre": garde["titre"], "situation": garde["situation"], "maille": garde.get("maille", "")}
    return {"xlsx": rendre_xlsx(matiere.mesures, **dite)}


def _gpkg(matiere: Matiere) -> Contenus:
    from cafdiag.restitution.rendu_geo import couches_geo, geopackage

    return {"gpkg": geopackage(couches_geo(matiere.mesures, matiere.cartes))}


def _geojson(matiere: Matiere) -> Contenus:
    from cafdiag.restitution.rendu_geo import couches_geo, geojson

    return {"geojson": geojson(couches_geo(matiere.mesures, matiere.cartes))}


@dataclass(frozen=True)
class Livrable:
    """Un format : ce qui l'écrit, et ce que valent ses fichiers.

    Attributes
    ----------
    rediger : callable
        De la matière aux contenus, un par fichier.
    noms : dict of str to str
        Le nom de chaque fichier, « {} » pour le code.
    signe : bool
        Il porte l'identité de la Caf.
    retouchables : tuple of str
        Les fichiers que l'on reprend à la main : retouchés, ils ne s'écrasent pas.
    """

    rediger: Callable[[Matiere], Contenus]
    noms: Mapping[str, str]
    signe: bool = False
    retouchables: tuple[str, ...] = ()


_RAPPORT = "diagnostic-{}."
LIVRABLES: dict[str, Livrable] = {
    **{
        f: Livrable(_document(f), {f: _RAPPORT + f}, retouchables=(f,) if f in redacteurs.RETOUCHABLES else ())
        for f in redacteurs.REDACTEURS
    },
    "ipynb": Livrable(texte_du_carnet, {"ipynb": _RAPPORT + "ipynb"}),
    "xlsx": Livrable(_xlsx, {"xlsx": _RAPPORT + "xlsx"}),
    "note": Livrable(_note, {"note": "note-{}.html", "note_pdf": "note-{}.pdf"}, signe=True),
    "pptx": Livrable(_pptx, {"pptx": "copil-{}.pptx"}, signe=True, retouchables=("pptx",)),
    "fiches": Livrable(
        _fiches,
        {"fiches": "fiches-{}.docx", "actions": "actions-{}.xlsx"},
        signe=True,
        retouchables=("fiches", "actions"),
    ),
    "gpkg": Livrable(_gpkg, {"gpkg": _RAPPORT + "gpkg"}),
    "geojson": Livrable(_geojson, {"geojson": _RAPPORT + "geojson"}),
}
FORMATS = tuple(LIVRABLES)
SIGNES = tuple(f for f, livrable in LIVRABLES.items() if livrable.signe)
RETOUCHABLES = tuple(f for livrable in LIVRABLES.values() for f in livrable.retouchables)
NOMS = {fichier: nom for livrable in LIVRABLES.values() for fichier, nom in livrable.noms.items()}


def rendre(formats: Sequence[str], matiere: Matiere) -> dict[str, str | bytes]:
    """Contenu de chaque fichier des formats demandés, pris dans :data:`FORMATS`."""
    return {fichier: c for f in formats for fichier, c in LIVRABLES[f].rediger(matiere).items()}
