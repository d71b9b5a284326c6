"""Le volet « Produire » : rapport, tableur, image, code Python de la vue."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import ipywidgets as widgets

from cafdiag.restitution.echappement import html_sur
from cafdiag.restitution.explorateur import actions, page
from cafdiag.restitution.explorateur.code import code_de
from cafdiag.restitution.explorateur.etat import Etat


class Production(widgets.VBox):
    """Quatre boutons et ce qu'ils ont produit.

    Parameters
    ----------
    etat : callable
        Rend l'état montré.
    agir : callable
        Enveloppe un geste : ses erreurs deviennent un message.
    """

    def __init__(self, etat: Callable[[], Etat], agir: Callable) -> None:
        self._etat = etat
        gestes = {
            "Rapport": ("file-text-o", "Le diagnostic complet, à remettre", self._ecrire(actions.rapport)),
            "Tableur": (
                "table",
                "Tous les indicateurs du territoire et de ses références",
                self._ecrire(actions.tableur),
            ),
            "Image": ("image", "La carte de cette vue, en un fichier", self._ecrire(actions.image)),
            "Code Python de cette vue": (
                "code",
                "Ce qu'il faut écrire pour la retrouver",
                self._montrer_le_code,
            ),
        }
        self.boutons = {}
        for nom, (icone, bulle, faire) in gestes.items():
            bouton = widgets.Button(description=nom, icon=icone, tooltip=bulle)
            bouton.on_click(agir(faire))
            self.boutons[nom] = bouton
        self.resultat = widgets.HTML()
        rangee = widgets.Box([*self.boutons.values()])
        rangee.add_class("cafdiag-rangee")
        super().__init__([rangee, self.resultat])

    def _ecrire(self, produire: Callable[[Etat], list[Path]]) -> Callable:
        def faire(bouton: widgets.Button) -> None:
            bouton.disabled = True
            self.resultat.value = page.message_html(f"{bouton.description} : en préparation…")
            try:
                chemins = produire(self._etat())
                pret = page.message_html(f"{bouton.description} : prêt.")
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
