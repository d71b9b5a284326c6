"""Le volet « Compléter » : ce qui manque au territoire, à qui le demander, et le bouton qui prend ce qui est public."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import ipywidgets as widgets

from cafdiag.donnees import catalogue
from cafdiag.donnees.commandes import telecharger
from cafdiag.restitution import bordereau
from cafdiag.restitution.explorateur import calculs, page
from cafdiag.restitution.explorateur.etat import Etat
from cafdiag.restitution.formats import majuscule
from cafdiag.restitution.lecture import accord
from cafdiag.restitution.rendu_html import phrase_html

# Autant d'échecs de suite : c'est le réseau, pas la source.
ECHECS_DE_SUITE = 3
_COLONNES = ("Thème", "Ce qu'elle allumera", "À qui la demander", "La donnée", "Comment")


class Completer(widgets.VBox):
    """Le bordereau à l'écran, et la prise des données publiques avec sa progression.

    Parameters
    ----------
    rafraichir : callable
        Remontre la vue : de nouvelles données sont là.
    agir : callable
        Enveloppe un geste : ses erreurs deviennent un message.
    """

    def __init__(self, rafraichir: Callable[[], None], agir: Callable) -> None:
        self._rafraichir, self._arrete = rafraichir, False
        self.manques = widgets.HTML()
        self.prendre = widgets.Button(
            description="Prendre les données publiques",
           
            tooltip="Demande le réseau ; ce qui est déjà pris n'est pas repris",
        )
        self.prendre.on_click(agir(self._prendre))
        self.arreter = widgets.Button(description="Arrêter après cette source", disabled=True)
        # Hors du verrou des gestes : il attendrait la fin de ce qu'il doit arrêter.
        self.arreter.on_click(lambda _: self._noter_l_arret())
        self.avance = widgets.FloatProgress(min=0.0, max=1.0, layout=widgets.Layout(width="100%", display="none"))
        self.suivi = widgets.HTML()
        rangee = widgets.Box([self.prendre, self.arreter])
        rangee.add_class("cafdiag-rangee")
        super().__init__([rangee, self.avance, self.suivi, self.manques])

    def montrer(self, etat: Etat) -> None:
        """Ce qui manque au territoire montré."""
        mesures = calculs.toutes(etat).assign(role="territoire")
        gain = bordereau.gain(mesures)
        dit = f"Le bouton ajouterait jusqu'à {gain}." if gain else "Le bouton ne ferait que mettre à jour."
        lignes = [_ligne(ligne) for ligne in bordereau.lignes(mesures, etat.territoire)]
        if not lignes:
            self.manques.value = page.message_html(bordereau.RIEN_A_APPORTER)
            return
        titres = "".join(f'<th scope="col">{titre}</th>' for titre in _COLONNES)
        self.manques.value = (
            f'<p class="compte">{phrase_html(dit)}</p>'
            '<div class="manques" tabindex="0" role="region" aria-label="Ce qui manque encore"><table>'
            f"<caption>{phrase_html(f'Ce qui manque encore : {etat.territoire.nom}')}</caption>"
            f"<thead><tr>{titres}</tr></thead><tbody>{''.join(lignes)}</tbody></table></div>"
        )

    # --- La prise ---

    def _noter_l_arret(self) -> None:
        self._arrete = self.arreter.disabled = True

    def _prendre(self, _bouton: object) -> None:
        sources = catalogue.choisir()
        self._arrete, self.prendre.disabled, self.arreter.disabled = False, True, False
        self.avance.layout.display = ""
        lignes: list[dict] = []
        try:
            for rang, source in enumerate(sources):
                if self._arrete or _reseau_absent(lignes):
                    break
                self._avancer(rang, len(sources), source.libelle)
                bilan = telecharger([source.nom], progression=self._suivre(rang, len(sources)))
                lignes += [{**ligne, "libelle": source.libelle} for ligne in bilan.lignes]
        finally:
            self.prendre.disabled, self.arreter.disabled = False, True
            self.avance.layout.display = "none"
        self._rafraichir()
        self.suivi.value = _bilan(lignes, len(sources))

    def _avancer(self, rang: int, total: int, libelle: str) -> None:
        self.avance.value = rang / total
        self.suivi.value = page.message_html(f"{rang + 1} sur {total} : {libelle}…")

    def _suivre(self, rang: int, total: int) -> Callable[[int, int | None], None]:
        def suivre(recus: int, annonces: int | None) -> None:
            if annonces:
                self.avance.value = (rang + min(recus / annonces, 1.0)) / total

        return suivre


def _reseau_absent(lignes: list[dict]) -> bool:
    derniers = [ligne["etat"] for ligne in lignes[-ECHECS_DE_SUITE:]]
    return derniers == ["echec"] * ECHECS_DE_SUITE


def _bilan(lignes: list[dict], total: int) -> str:
    """Ce qui est pris, ce qui était déjà là, ce qui a échoué et pourquoi ; et comment reprendre."""
    comptes = Counter(ligne["etat"] for ligne in lignes)
    prises = comptes["nouveau"] + comptes["change"]
    dit = [f"{accord(prises, 'source')} {'prise' if prises < 2 else 'prises'}"]
    if comptes["inchange"]:
        dit.append(f"{accord(comptes['inchange'], 'source')} déjà à jour")
    rates = [ligne for ligne in lignes if ligne["etat"] in ("echec", "refus")]
    if rates:
        dit.append(f"{accord(len(rates), 'échec')}")
    reste = total - len(lignes)
    if reste:
        dit.append(f"{accord(reste, 'source')} à reprendre")
    texte = majuscule(", ".join(dit)) + "."
    if reste or rates:
        texte += " Le même bouton reprend où l'on s'est arrêté ; ce qui est pris reste pris."
    if _reseau_absent(lignes):
        texte = "Le réseau ne répond pas. " + texte
    dites = [f"{ligne['libelle']} : {ligne['message'].removeprefix(ligne['nom'] + ' : ')}" for ligne in rates]
    raisons = "".join(f"<li>{phrase_html(dite)}</li>" for dite in dites)
    return page.message_html(texte, erreur=bool(rates)) + (f'<ul class="motifs">{raisons}</ul>' if rates else "")


def _ligne(ligne: bordereau.LigneDuBordereau) -> str:
    comment = "Prise par le bouton ci-dessus" if ligne.prise_d_office else ligne.fichier
    cases = (ligne.themes, ligne.allumera, ligne.qui, ligne.quoi, comment)
    corps = "".join(f"<td>{phrase_html(c).replace(chr(10), '<br>')}</td>" for c in cases[1:])
    return f'<tr><th scope="row">{phrase_html(cases[0])}</th>{corps}</tr>'
