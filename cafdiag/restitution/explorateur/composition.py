"""Le volet « Périmètre » : cocher des communes, les nommer, les garder, les rouvrir."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as widgets

from cafdiag.erreurs import DemandeFausse
from cafdiag.restitution.explorateur.decor import communes_autour
from cafdiag.restitution.explorateur.etat import Etat
from cafdiag.restitution.explorateur.recherche import Recherche
from cafdiag.restitution.formats import cle_de_tri, pluriel
from cafdiag.territoires import garder_perimetre, oublier_perimetre, perimetre, perimetres_gardes, territoire
from cafdiag.territoires.normalisation import normaliser

CASES = 60


class Composition(widgets.VBox):
    """Cases à cocher, nom, périmètres gardés. Ne calcule rien : elle dit ses gestes à l'explorateur.

    Parameters
    ----------
    cocher : callable
        Reçoit les codes et s'il faut les cocher.
    ouvrir : callable
        Reçoit le périmètre à montrer.
    agir : callable
        Enveloppe un geste : ses erreurs deviennent un message.
    """

    def __init__(self, cocher: Callable, ouvrir: Callable, agir: Callable) -> None:
        self._cocher, self._ouvrir, self._agir = cocher, ouvrir, agir
        self._codes: list[str] = []
        self._muet = False
        self._etat: Etat | None = None
        self.filtre = widgets.Text(description="Filtrer les communes", placeholder="début du nom")
        self.filtre.observe(agir(lambda _: self._remplir()), names="value")
        self.cases: list[widgets.Checkbox] = []
        self.grille = widgets.Box([])
        self.grille.add_class("cafdiag-cases")
        self.suite = widgets.HTML()
        self.ailleurs = Recherche(
            "Ajouter une commune",
            lambda cle: cocher([cle], True),
            agir,
            mailles=("commune",),
            exemple="d'ailleurs",
        )
        self.resume = widgets.HTML()
        # D'un coup, en quittant le champ : lettre à lettre, le bouton pressé aussitôt devancerait les dernières.
        self.nom = widgets.Text(description="Nom du périmètre", placeholder="Pôle sud", continuous_update=False)
        self.enregistrer = widgets.Button(description="Enregistrer et ouvrir", button_style="primary")
        self.enregistrer.on_click(agir(self._enregistrer))
        self.vider = widgets.Button(description="Tout décocher")
        self.vider.on_click(agir(lambda _: cocher(list(self._etat.choisies) if self._etat else [], False)))
        self.gardes = widgets.Dropdown(description="Périmètres gardés", options=[])
        self.rouvrir = widgets.Button(description="Ouvrir")
        self.rouvrir.on_click(agir(lambda _: self._rouvrir()))
        self.oublier = widgets.Button(description="Oublier")
        self.oublier.on_click(agir(lambda _: self._oublier()))
        rangees = [
            widgets.Box([self.filtre, self.ailleurs]),
            self.grille,
            self.suite,
            self.resume,
            widgets.Box([self.nom, self.enregistrer, self.vider]),
            widgets.Box([self.gardes, self.rouvrir, self.oublier]),
        ]
        for rang in (0, 4, 5):
            rangees[rang].add_class("cafdiag-rangee")
        super().__init__(rangees)
        self._lister_les_gardes()

    def montrer(self, etat: Etat) -> None:
        """Remet cases et résumé d'accord avec l'état."""
        self._etat = etat
        noms = [territoire(code).nom for code in etat.choisies]
        dit = pluriel(len(noms), "commune cochée", "communes cochées")
        self.resume.value = (
            f'<p class="compte" role="status">{dit}{" : " + ", ".join(noms) if noms else ""}</p>'
        )
        self.enregistrer.disabled = self.vider.disabled = not noms
        self._remplir()

    def _remplir(self) -> None:
        if self._etat is None:
            return
        cible, choisies = self._etat.territoire, set(self._etat.choisies)
        proposees = communes_autour(cible, self._etat.choisies) or self._etat.choisies
        siennes = set(cible.communes)
        voulu = normaliser(self.filtre.value)
        codes = [c for c in proposees if not voulu or f" {voulu}" in f" {normaliser(territoire(c).nom)}"]
        # L'ordre ne dépend pas de ce qui est coché : rien ne bouge sous la souris.
        codes.sort(key=lambda c: (c not in siennes, cle_de_tri(territoire(c).nom)))
        self._codes = codes[:CASES] + [c for c in codes[CASES:] if c in choisies]
        self._assurer(len(self._codes))
        self._muet = True
        for case, code in zip(self.cases, self._codes, strict=False):
            case.description, case.value = territoire(code).nom, code in choisies
        self._muet = False
        self.grille.children = tuple(self.cases[: len(self._codes)])
        reste = len(codes) - len(self._codes)
        if not proposees:
            texte = "Trop de communes autour de ce territoire : ouvrez une intercommunalité, ou ajoutez-les une à une."
        else:
            texte = (
                f"Et {pluriel(reste, 'autre commune', 'autres communes')} : filtrez par le nom."
                if reste
                else ""
            )
        self.suite.value = f'<p class="compte">{texte}</p>' if texte else ""

    def _assurer(self, nombre: int) -> None:
        """Les cases naissent à la demande et resservent : soixante widgets, pas cinq cents."""
        while len(self.cases) < nombre:
            case = widgets.Checkbox(indent=False)
            case.observe(self._agir(self._basculer(len(self.cases))), names="value")
            self.cases.append(case)

    def _basculer(self, rang: int) -> Callable:
        def faire(changement: dict) -> None:
            if not self._muet and rang < len(self._codes):
                self._cocher([self._codes[rang]], bool(changement["new"]))

        return faire

    def _enregistrer(self, _bouton: object) -> None:
        if self._etat is None or not self._etat.choisies:
            raise DemandeFausse("aucune commune n'est cochée", conseil="cochez-en au moins une")
        if not self.nom.value.strip():
            raise DemandeFausse("le périmètre n'a pas de nom", conseil="donnez-lui un nom : « Pôle sud »")
        lieu = perimetre(self.nom.value, self._etat.choisies)
        garder_perimetre(lieu)
        self._lister_les_gardes()
        self.gardes.value = lieu.nom
        self._ouvrir(lieu)

    def _rouvrir(self) -> None:
        if self.gardes.value:
            self.nom.value = self.gardes.value
            self._ouvrir(perimetre(self.gardes.value))

    def _oublier(self) -> None:
        if self.gardes.value:
            oublier_perimetre(self.gardes.value)
            self._lister_les_gardes()

    def _lister_les_gardes(self) -> None:
        noms = perimetres_gardes()["nom"].tolist()
        self.gardes.options = noms
        for widget in (self.gardes, self.rouvrir, self.oublier):
            widget.disabled = not noms
