"""Le champ de recherche à la frappe : des lettres, des propositions qui sont de vrais boutons."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as widgets

from cafdiag.restitution.echappement import html_sur
from cafdiag.restitution.formats import pluriel
from cafdiag.territoires.recherche import MINIMUM_DE_LETTRES, Suggestion, suggerer

NOMBRE = 8
# Écrit par la page à la suite des lettres (templates/explorateur/carte_vive.js) : l'ordre ne peut s'inverser.
ENTREE = "\u200b"


class Recherche(widgets.VBox):
    """Un champ et ses propositions ; Entrée prend la première, Tab mène aux suivantes.

    Parameters
    ----------
    libelle : str
        Étiquette du champ.
    choisir : callable
        Reçoit la clé du territoire pris.
    agir : callable
        Enveloppe un geste (voir :meth:`Explorateur._agir`) : deux frappes ne se mêlent pas.
    mailles : tuple of str
        Restreint les propositions.
    """

    def __init__(
        self,
        libelle: str,
        choisir: Callable[[str], None],
        agir: Callable,
        *,
        mailles: tuple[str, ...] = (),
        exemple: str = "nom, code ou code postal",
    ) -> None:
        self._choisir, self._mailles = choisir, mailles
        self._trouvees: list[Suggestion] = []
        self.champ = widgets.Text(description=libelle, placeholder=exemple, continuous_update=True)
        self.champ.observe(agir(self._frapper), names="value")
        self.champ.on_msg(agir(self._valider))
        self.compte = widgets.HTML()
        self.boutons = [self._bouton(rang, agir) for rang in range(NOMBRE)]
        boite = widgets.VBox([self.compte, *self.boutons])
        boite.add_class("cafdiag-propositions")
        super().__init__([self.champ, boite])
        self.add_class("cafdiag-recherche")

    def _bouton(self, rang: int, agir: Callable) -> widgets.Button:
        bouton = widgets.Button(description="", layout=widgets.Layout(display="none"))
        bouton.on_click(agir(lambda _: self._prendre(rang)))
        return bouton

    def _frapper(self, _changement: object) -> None:
        texte = self.champ.value.rstrip(ENTREE)
        self._trouvees = suggerer(texte, nombre=NOMBRE, mailles=self._mailles)
        for rang, bouton in enumerate(self.boutons):
            if rang < len(self._trouvees):
                bouton.description = bouton.tooltip = self._trouvees[rang].texte
                bouton.layout.display = ""
            else:
                bouton.layout.display = "none"
                bouton.description = bouton.tooltip = ""
        if len(texte.strip()) < MINIMUM_DE_LETTRES:
            self.compte.value = ""
        else:
            trouves = pluriel(len(self._trouvees), "proposition") if self._trouvees else "Aucun territoire"
            dit = html_sur(f"{trouves} pour « {texte.strip()} »")
            self.compte.value = f'<p class="compte" role="status">{dit}</p>'
        if texte != self.champ.value:
            if self._trouvees:
                self._prendre(0)
            else:
                self.champ.value = texte

    def _valider(self, _widget: object, contenu: dict, _tampons: object) -> None:
        # Sans le cadre de la carte, Entrée vient seule.
        if contenu.get("event") == "submit" and self._trouvees:
            self._prendre(0)

    def _prendre(self, rang: int) -> None:
        if rang < len(self._trouvees):
            cle = self._trouvees[rang].cle
            self.champ.value = ""
            # Le bouton pris disparaît : sans cela, le clavier repartirait du haut de la page.
            self.champ.focus()
            self._choisir(cle)
