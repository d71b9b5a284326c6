"""L'explorateur assemblé : des widgets qui montrent l'état et le changent. Aucun calcul ici."""

from __future__ import annotations

import json
import threading
import traceback
from collections.abc import Callable
from dataclasses import replace
from functools import wraps

import ipywidgets as widgets

from cafdiag.erreurs import CafdiagError
from cafdiag.indicateurs import annees_disponibles, comparables, dictionnaire
from cafdiag.restitution.explorateur import calculs, decor, garde, vues
from cafdiag.restitution.explorateur import page as page_de_la_carte
from cafdiag.restitution.explorateur.code import code_de
from cafdiag.restitution.explorateur.completer import Completer
from cafdiag.restitution.explorateur.composition import Composition
from cafdiag.restitution.explorateur.curseur import Curseur
from cafdiag.restitution.explorateur.etat import PLUS_PROCHES, REFERENCES, Etat, themes
from cafdiag.restitution.explorateur.production import Production
from cafdiag.restitution.explorateur.recherche import Recherche
from cafdiag.restitution.formats import majuscule
from cafdiag.territoires import Territoire, territoire
from cafdiag.territoires.recherche import preparer

COMPARER, ANNEES, PERIMETRE, SIMULER = "Comparer", "Années", "Périmètre", "Simuler"
PRODUIRE, COMPLETER = "Produire", "Compléter"
# Un menu d'ipywidgets prend None pour « rien de choisi ».
DERNIERE = 0
VOLETS = (COMPARER, ANNEES, PERIMETRE, SIMULER, PRODUIRE, COMPLETER)


class Explorateur(widgets.VBox):
    """L'explorateur de territoires (voir :func:`cafdiag.explorer`).

    ``page`` : il est seul dans sa page, qu'il remplit, et ne propose pas de code.
    """

    def __init__(
        self, cible: Territoire | str | None = None, *, nom: str = "", page: bool = False
    ) -> None:
        preparer()
        self._seul = page
        self._nom = nom or garde.nom_du_carnet()
        self._etat, avis = garde.relire(self._nom)
        if cible is not None:
            self._etat = self._etat.ouvrir(cible)
        self._actif, self._muet, self._rang = "", False, 0
        self._verrou, self._dedans = threading.RLock(), False
        self._decor: decor.Decor | None = None
        self._construire()
        super().__init__(self._disposer())
        self.add_class(page_de_la_carte.RACINE)
        if page:
            self.add_class(page_de_la_carte.SEUL)
        self._montrer(None)
        self._dire(avis)

    @property
    def etat(self) -> Etat:
        """Ce qui est montré."""
        return self._etat

    def code(self) -> str:
        """Le code Python de cette vue."""
        return code_de(self._etat)

    # --- Les widgets ---

    def _construire(self) -> None:
        self.avis = widgets.HTML()
        self.avis.add_class("cafdiag-avis")
        self.chercher = Recherche("Territoire", self._ouvrir, self._agir)
        self.theme = widgets.Dropdown(
            description="Thème", options=[(libelle, code) for code, libelle in themes().items()]
        )
        self.indicateur = widgets.Dropdown(description="Indicateur")
        self.annee = widgets.Dropdown(description="Année")
        self.definition, self.chiffre, self.barres = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self.definition.add_class("cafdiag-definition")
        self.zone = widgets.HTML()
        self.ouvrir_zone = widgets.Button(description="Ouvrir ce territoire")
        self.comparer_zone = widgets.Button(description="Le comparer")
        self.cadre = widgets.HTML(page_de_la_carte.cadre())
        self.cadre.add_class("cafdiag-hote")
        self.porteurs = {nom: widgets.HTML() for nom in (page_de_la_carte.DECOR, page_de_la_carte.PEINTURE)}
        self.pont = widgets.Text(layout=widgets.Layout(display="none"))
        self.pont.add_class(page_de_la_carte.PONT)
        for nom, porteur in self.porteurs.items():
            porteur.add_class(nom)
            porteur.layout.display = "none"
        self.references = {
            role: widgets.Checkbox(description=libelle, indent=False) for role, libelle in REFERENCES.items()
        }
        self.ajouter = Recherche("Ajouter un territoire", self._comparer, self._agir)
        self.proches = widgets.Button(description="Ajouter ses plus proches comparables")
        self.proches.on_click(self._agir(lambda _: self._ajouter_les_proches()))
        self.autres = widgets.Box()
        self.autres.add_class("cafdiag-etiquettes")
        self.annees = widgets.HTML()
        self.composition = Composition(self._cocher, self._ouvrir_perimetre, self._agir)
        self.simulation = Curseur(self._viser, self._agir)
        self.production = Production(lambda: self._etat, self._agir, code=not self._seul)
        self.completer = Completer(lambda: self._montrer(None), self._agir)
        self.volets = widgets.Tab([*self._volets()], titles=VOLETS, selected_index=0)
        self.volets.add_class("cafdiag-volets")
        self._ecouter()

    def _volets(self) -> tuple[widgets.Widget, ...]:
        references = widgets.Box([*self.references.values()])
        references.add_class("cafdiag-references")
        comparer = widgets.VBox([references, widgets.Box([self.ajouter, self.proches]), self.autres])
        comparer.children[1].add_class("cafdiag-rangee")
        return comparer, self.annees, self.composition, self.simulation, self.production, self.completer

    def _disposer(self) -> list[widgets.Widget]:
        commandes = widgets.Box([self.chercher, self.theme, self.indicateur, self.annee])
        commandes.add_class("cafdiag-commandes")
        lecture = widgets.Box([self.chiffre, self.barres])
        lecture.add_class("cafdiag-lecture")
        self.gestes_zone = widgets.Box([self.zone, self.ouvrir_zone, self.comparer_zone])
        self.gestes_zone.add_class("cafdiag-zone")
        return [
            widgets.HTML(page_de_la_carte.style()),
            commandes,
            lecture,
            self.cadre,
            self.definition,
            self.gestes_zone,
            self.volets,
            self.avis,
            *self.porteurs.values(),
            self.pont,
        ]

    def _ecouter(self) -> None:
        def suivre(widget: widgets.Widget, faire: Callable, trait: str = "value") -> None:
            widget.observe(
                self._agir(lambda change: None if self._muet else faire(change["new"])), names=trait
            )

        suivre(self.theme, self._changer_de_theme)
        suivre(self.indicateur, lambda code: self.changer(self._etat.montrer(code)))
        suivre(self.annee, lambda annee: self.changer(self._etat.dater(annee or None)))
        for case in self.references.values():
            suivre(case, lambda _: self._referer())
        suivre(self.volets, lambda _: self._changer_de_volet(), "selected_index")
        suivre(self.pont, self._geste)
        self.ouvrir_zone.on_click(self._agir(lambda _: self._ouvrir(self._cle_active())))
        self.comparer_zone.on_click(self._agir(lambda _: self._comparer(self._cle_active())))

    def _agir(self, faire: Callable) -> Callable:
        """Un geste à la fois, dont les erreurs deviennent un message : un carnet ne les montrerait pas.

        JupyterLab traite les messages des widgets dans des fils à part : sans verrou, deux gestes rapprochés se
        mêlent, et le plus ancien finit par s'afficher le dernier.
        """

        @wraps(faire)
        def prudent(*arguments: object) -> None:
            with self._verrou:
                dedans, self._dedans = self._dedans, True
                try:
                    if not dedans:
                        self._dire("")
                    faire(*arguments)
                except CafdiagError as erreur:
                    self._dire(str(erreur), erreur=True)
                except Exception as erreur:
                    traceback.print_exc()
                    self._dire(
                        f"Défaut imprévu ({type(erreur).__name__} : {erreur}). Signalez-le.", erreur=True
                    )
                finally:
                    self._dedans = dedans

        return prudent

    def _dire(self, texte: str, *, erreur: bool = False) -> None:
        self.avis.value = page_de_la_carte.message_html(majuscule(texte), erreur=erreur)

    # --- Les gestes ---

    def changer(self, etat: Etat) -> None:
        """Montre un autre état, et le garde."""
        ancien, self._etat = self._etat, etat
        if ancien == etat:
            return
        if (ancien.cle, ancien.nom) != (etat.cle, etat.nom):
            self._actif = ""
        self._montrer(ancien)
        if refus := garde.garder(self._nom, etat):
            self._dire(refus, erreur=True)

    def _ouvrir(self, cle: str) -> None:
        self.changer(self._etat.ouvrir(cle))

    def _ouvrir_perimetre(self, lieu: Territoire) -> None:
        self.changer(replace(self._etat.ouvrir(lieu), choisies=lieu.communes))
        self._dire(f'« {lieu.nom} » est ouvert, et se retrouve dans « Périmètres gardés ».')

    def _changer_de_theme(self, theme: str) -> None:
        self.changer(self._etat.montrer(dictionnaire(theme=theme).index[0]))

    def _referer(self) -> None:
        self.changer(self._etat.referer([role for role, case in self.references.items() if case.value]))

    def _comparer(self, cle: str) -> None:
        self.changer(self._etat.comparer(cle))

    def _ajouter_les_proches(self) -> None:
        etat = self._etat
        for code in comparables(etat.territoire, k=PLUS_PROCHES)["code"]:
            etat = etat.comparer(code)
        self.changer(etat)

    def _cocher(self, codes: list[str], oui: bool | None = None) -> None:
        self.changer(self._etat.cocher(codes, oui=oui))

    def _viser(self, taux: str, cible: float) -> None:
        self.changer(self._etat.viser(taux, cible))

    def _geste(self, message: str) -> None:
        """Un clic sur la carte ou dans son tableau, transmis par le champ caché."""
        geste = json.loads(message)
        if geste["geste"] == "cocher":
            self._cocher([geste["code"]])
        else:
            self._actif = "" if self._actif == geste["code"] else geste["code"]
            self._montrer_la_carte()

    def _montrer_la_simulation(self) -> None:
        if self.volets.selected_index == VOLETS.index(SIMULER):
            self.simulation.montrer(self._etat)

    def _changer_de_volet(self) -> None:
        self._montrer_les_annees()
        self._montrer_la_simulation()
        self._montrer_ce_qui_manque()
        self._montrer_la_carte()

    def _montrer_ce_qui_manque(self) -> None:
        """Tous les indicateurs à mesurer : volet ouvert seulement."""
        if self.volets.selected_index == VOLETS.index(COMPLETER):
            self.completer.montrer(self._etat)

    def _cle_active(self) -> str:
        prefixe = "region:" if self._decor and self._decor.maille == "region" else ""
        return prefixe + self._actif

    # --- Ce qui est montré ---

    def _montrer(self, ancien: Etat | None) -> None:
        etat = self._etat
        self._regler(etat)
        definition = dictionnaire().loc[etat.indicateur]
        if ancien is None or ancien.indicateur != etat.indicateur:
            self.definition.value = vues.definition(etat.indicateur)
        a_part = ("choisies", "taux", "cible")
        sauf = replace(etat, **{nom: getattr(ancien, nom) for nom in a_part}) if ancien else None
        if sauf is None or sauf != ancien:
            self._montrer_les_chiffres(etat, int(definition["decimales"]))
        if ancien is None or (ancien.cle, ancien.choisies) != (etat.cle, etat.choisies):
            self.composition.montrer(etat)
        self._montrer_la_simulation()
        if ancien is None or (ancien.cle, ancien.nom) != (etat.cle, etat.nom):
            self._montrer_ce_qui_manque()
        if sauf is None or sauf != ancien or etat.choisies != ancien.choisies:
            self._montrer_la_carte()

    def _montrer_les_chiffres(self, etat: Etat, decimales: int) -> None:
        mesures = calculs.comparaison(etat)
        lieu = etat.territoire
        self.chiffre.value = vues.chiffre(mesures.iloc[0].to_dict(), decimales=decimales, nom=lieu.nom)
        parmi = calculs.position(etat) if "comparables" in etat.references else None
        self.barres.value = vues.comparaison(mesures, decimales=decimales) + vues.rang(
            parmi, decimales=decimales
        )
        self._montrer_les_annees()

    def _montrer_les_annees(self) -> None:
        """Toutes les années coûtent autant de calculs : ils ne se font que volet ouvert."""
        if self.volets.selected_index != VOLETS.index(ANNEES):
            return
        decimales = int(dictionnaire().loc[self._etat.indicateur, "decimales"])
        serie = calculs.serie(self._etat)
        self.annees.value = vues.annees(serie, decimales=decimales, nom=self._etat.territoire.nom)

    def _regler(self, etat: Etat) -> None:
        """Accorde les commandes à l'état, sans déclencher leurs gestes."""
        self._muet = True
        try:
            self.theme.value = etat.theme
            siens = dictionnaire(theme=etat.theme)
            # La liste suit l'état, jamais le menu : quand c'est lui qu'on change, il a déjà sa nouvelle valeur.
            options = list(zip(siens["libelle"], siens.index, strict=True))
            if list(self.indicateur.options) != options:
                self.indicateur.options = options
            self.indicateur.value = etat.indicateur
            self.indicateur.tooltip = vues.bulle(etat.indicateur)
            annees = annees_disponibles(etat.indicateur)
            options = [("la dernière", DERNIERE), *((str(a), a) for a in reversed(annees))]
            if list(self.annee.options) != options:
                self.annee.options = options
            self.annee.value = etat.annee or DERNIERE
            for role, case in self.references.items():
                case.value = role in etat.references
            self.autres.children = [self._etiquette(cle) for cle in etat.autres]
        finally:
            self._muet = False

    def _etiquette(self, cle: str) -> widgets.Button:
        nom = territoire(cle).nom
        bouton = widgets.Button(description=f"Retirer {nom}", tooltip=f"Retirer {nom}")
        bouton.on_click(self._agir(lambda _: self.changer(self._etat.ecarter(cle))))
        return bouton

    def _montrer_la_carte(self) -> None:
        etat, compose = self._etat, self.volets.selected_index == VOLETS.index(PERIMETRE)
        nouveau = None
        if compose:
            # Tant que les communes cochées sont sur la carte, elle ne bouge pas sous la souris.
            tenu = self._decor if self._decor and set(etat.choisies) <= set(self._decor.codes) else None
            depart = decor.decor_des_communes(etat.territoire, ())
            nouveau = depart if depart and set(etat.choisies) <= set(depart.codes) else None
            nouveau = nouveau or decor.decor_des_communes(etat.territoire, etat.choisies) or tenu
        if compose and nouveau is not None and nouveau.maille == "commune":
            peinture = decor.peindre_les_communes(etat.territoire, nouveau, etat.choisies)
        else:
            nouveau = decor.decor_de(etat)
            if self._actif not in nouveau.codes:
                self._actif = ""
            peinture = decor.peindre(etat, nouveau, actif=self._actif)
        if self._decor is None or nouveau.id != self._decor.id:
            self._porter(page_de_la_carte.DECOR, nouveau.message)
        self._decor = nouveau
        self._porter(page_de_la_carte.PEINTURE, decor.json_sur(peinture))
        self._montrer_la_zone(compose)

    def _porter(self, nom: str, message: str) -> None:
        self._rang += 1
        self.porteurs[nom].value = page_de_la_carte.porteur(message, rang=self._rang)

    def _montrer_la_zone(self, compose: bool) -> None:
        visible = bool(self._actif) and not compose
        self.gestes_zone.layout.display = "" if visible else "none"
        if visible and self._decor is not None:
            definition = dictionnaire().loc[self._etat.indicateur]
            mesures = calculs.de_la_maille(self._decor.maille, self._decor.codes, self._etat)
            ligne = mesures[mesures["territoire"] == self._actif].iloc[0].to_dict()
            self.zone.value = vues.zone(ligne, decimales=int(definition["decimales"]))
