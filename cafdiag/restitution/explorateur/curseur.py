"""Le volet « Simuler » : un taux visé au curseur, et ce qu'il demande."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as widgets

from cafdiag.restitution.echappement import est_vide
from cafdiag.restitution.explorateur import calculs
from cafdiag.restitution.explorateur.etat import CIBLE_MAXIMUM, D_ABORD, REFERENCES, Etat
from cafdiag.restitution.explorateur.vues_simulation import perspectives, simulation
from cafdiag.restitution.formats import nombre
from cafdiag.restitution.simulation import MODES_COURTS


class Curseur(widgets.VBox):
    """Curseur, champ chiffré, raccourcis vers les références, résultat.

    Parameters
    ----------
    viser : callable
        Reçoit le taux (``global`` ou ``eaje``) et la cible.
    agir : callable
        Enveloppe un geste : ses erreurs deviennent un message.
    """

    def __init__(self, viser: Callable[[str, float], None], agir: Callable) -> None:
        self._muet = False
        self.taux = widgets.Dropdown(
            description="Taux de couverture", options=[(nom, code) for code, nom in MODES_COURTS.items()]
        )
        bornes = {"min": 0.0, "max": float(CIBLE_MAXIMUM), "step": 0.5}
        self.curseur = widgets.FloatSlider(description="Cible", readout=False, **bornes)
        self.champ = widgets.BoundedFloatText(description="Places pour 100 enfants", **bornes)
        self.raccourcis = {role: widgets.Button() for role in D_ABORD}
        self._valeurs: dict[str, float] = {}
        self.resultat = widgets.HTML()
        self.perspectives = widgets.HTML()

        def geste(faire: Callable) -> Callable:
            return agir(lambda change: None if self._muet else faire(change["new"]))

        self.taux.observe(geste(lambda taux: viser(taux, self.champ.value)), names="value")
        for widget in (self.curseur, self.champ):
            widget.observe(geste(lambda cible: viser(self.taux.value, cible)), names="value")
        for role, bouton in self.raccourcis.items():
            bouton.on_click(agir(lambda _, role=role: viser(self.taux.value, self._valeurs[role])))
        rangees = [
            widgets.Box([self.taux, self.curseur, self.champ]),
            widgets.Box([*self.raccourcis.values()]),
        ]
        for rangee in rangees:
            rangee.add_class("cafdiag-rangee")
        super().__init__([*rangees, self.resultat, self.perspectives])

    def montrer(self, etat: Etat) -> None:
        """Accorde le volet à l'état et simule ; sans cible posée, vers la première référence connue."""
        moteur = calculs.simulateur(etat)
        mesures = moteur.references(etat.taux)["valeur"].to_dict()
        self._valeurs = {
            role: round(float(mesures[role]), 1) for role in D_ABORD if not est_vide(mesures.get(role))
        }
        cible = etat.cible
        if cible is None:
            connues = [*self._valeurs.values(), *(v for v in mesures.values() if not est_vide(v))]
            cible = connues[0] if connues else 60.0
        self._muet = True
        try:
            self.taux.value = etat.taux
            self.curseur.value = self.champ.value = cible
        finally:
            self._muet = False
        for role, bouton in self.raccourcis.items():
            bouton.layout.display = "" if role in self._valeurs else "none"
            if role in self._valeurs:
                bouton.description = (
                    f"Comme : {REFERENCES[role]} ({nombre(self._valeurs[role], decimales=1)})"
                )
        self.resultat.value = simulation(moteur.vers(cible, taux=etat.taux))
        self.perspectives.value = perspectives(calculs.perspectives(etat))
