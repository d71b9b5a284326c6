"""Le volet « Produire » : les documents cochés, un classeur comparé, l'image, le code Python de la vue."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import ipywidgets as widgets

from cafdiag.restitution.archives import DocxRetouche
from cafdiag.restitution.echappement import html_sur
from cafdiag.restitution.explorateur import actions, page
from cafdiag.restitution.explorateur.code import code_de
from cafdiag.restitution.explorateur.etat import Etat

PRODUIRE, CLASSEUR, IMAGE, CODE = (
    "Produire les documents cochés",
    "Classeur comparé",
    "Image de la carte",
    "Code Python de cette vue",
)


class Production(widgets.VBox):
    """Des documents à cocher, des boutons, et ce qu'ils ont produit.

    Parameters
    ----------
    etat : callable
        Rend l'état montré.
    agir : callable
        Enveloppe un geste : ses erreurs deviennent un message.
    code : bool
        Propose le code Python de la vue.
    """

    def __init__(self, etat: Callable[[], Etat], agir: Callable, *, code: bool = True) -> None:
        self._etat = etat
        self.formats = {
            format_: widgets.Checkbox(description=libelle, indent=False, value=format_ == "html")
            for format_, libelle in actions.FORMATS.items()
        }
        gestes = {
            PRODUIRE: ("Le diagnostic du territoire, à remettre", self._ecrire(self._documents)),
            CLASSEUR: (
                "Tous les indicateurs du territoire, de ses références et des territoires comparés",
                self._ecrire(actions.tableur),
            ),
            IMAGE: ("La carte de cette vue, en un fichier", self._ecrire(actions.image)),
        }
        if code:
            gestes[CODE] = ("Ce qu'il faut écrire pour la retrouver", self._montrer_le_code)
        self.boutons = {}
        for nom, (bulle, faire) in gestes.items():
            bouton = widgets.Button(description=nom, tooltip=bulle)
            bouton.on_click(agir(faire))
            self.boutons[nom] = bouton
        self.boutons[PRODUIRE].button_style = "primary"
        self.resultat = widgets.HTML()
        cases, rangee = widgets.Box([*self.formats.values()]), widgets.Box([*self.boutons.values()])
        cases.add_class("cafdiag-formats")
        rangee.add_class("cafdiag-rangee")
        super().__init__([cases, rangee, self.resultat])

    def _documents(self, etat: Etat) -> list[Path]:
        return actions.rapport(etat, [format_ for format_, case in self.formats.items() if case.value])

    def _ecrire(self, produire: Callable[[Etat], list[Path]]) -> Callable:
        def faire(bouton: widgets.Button) -> None:
            bouton.disabled = True
            self.resultat.value = page.message_html("En préparation…")
            try:
                with warnings.catch_warnings(record=True) as dits:
                    warnings.simplefilter("always", DocxRetouche)
                    chemins = produire(self._etat())
                gardes = [str(dit.message) for dit in dits if issubclass(dit.category, DocxRetouche)]
                pret = page.message_html(" ; ".join(["Prêt", *gardes]) + ".")
                self.resultat.value = pret + actions.liens(chemins)
            except Exception:
                self.resultat.value = ""
                raise
            finally:
                bouton.disabled = False

        return faire

    def _montrer_le_code(self, _bouton: object) -> None:
        self.resultat.value = (
            '<p class="avis" role="status">À coller dans une cellule :</p>'
            f'<pre class="code" tabindex="0" aria-label="Code Python">{html_sur(code_de(self._etat()))}</pre>'
        )
