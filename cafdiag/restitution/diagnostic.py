"""Le diagnostic d'un territoire : ses mesures, calculées une fois, et chaque morceau du rapport."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

import pandas as pd

from cafdiag.donnees import Apports, lire_apports
from cafdiag.donnees.tables_assemblees import confidentielles
from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs import Confrontation, Options, confronter, mesurer_maille
from cafdiag.indicateurs.horizon_objets import Horizon
from cafdiag.indicateurs.non_couvert import Besoin
from cafdiag.indicateurs.questionnaire import depouiller
from cafdiag.restitution import (
    annexes,
    bref,
    chapitres,
    comparables,
    copil,
    jointes,
    note,
    note_tableaux,
    textes,
)
from cafdiag.restitution import besoin as besoin_du_rapport
from cafdiag.restitution import horizon as horizon_du_rapport
from cafdiag.restitution import simulation as simulations_du_rapport
from cafdiag.restitution.bloc import Bloc, Donnees
from cafdiag.restitution.cartes import CartesDuDiagnostic
from cafdiag.restitution.demande import lire_annee
from cafdiag.restitution.document import Element, Section, Suite, Titre, liste, mots, paragraphe, paragraphes
from cafdiag.restitution.evolution import (
    NAISSANCES,
    mesures_d_une_serie,
    mesures_tracees,
    series_du_rapport,
)
from cafdiag.restitution.lecture import MesuresLues
from cafdiag.restitution.rattachement import rattachement
from cafdiag.restitution.tableaux import tableau
from cafdiag.restitution.themes import epci_du_departement
from cafdiag.restitution.types_mime import MIME_GARDE, MIME_MESURES, MIME_NOTE
from cafdiag.restitution.vues import epci_autour
from cafdiag.territoires import Territoire, territoire
from cafdiag.territoires.referentiel import LIBELLES_MAILLES

# Ce que le rapport date : un sujet, les indicateurs qui le montrent, et s'il est de décembre.
_SITUATIONS = (
    ("accueil du jeune enfant", ("PE_TXCOUV_GLOBAL", "PE_TXCOUV_EAJE"), True),
    ("prestations", ("PS_COUV_POP", "PS_ALLOC_POP"), True),
    ("équipements", ("PE_NB_EAJE", "PE_NB_MICRO", "EJ_ALSH_IMPLANT_311"), False),
    ("naissances", ("PE_NAISS",), False),
    ("population", ("CTX_POP",), False),
    ("quartiers prioritaires", ("CTX_QPV_NB", "AVS_QPV_COUV"), False),
)


def situation(lecture: MesuresLues) -> str:
    """« Situation connue : … », une date par sujet, pour les seuls sujets montrés.

    Examples
    --------
    >>> from cafdiag.indicateurs import comparer
    >>> situation(MesuresLues(comparer("200048551", ["PE_TXCOUV_GLOBAL", "CTX_POP"])))
    'Situation connue : accueil du jeune enfant, décembre 2023 ; population, 2023.'
    """
    dites = []
    for sujet, codes, decembre in _SITUATIONS:
        annee = next((lecture.annee(c) for c in codes if lecture.annee(c)), None)
        if annee:
            dites.append(f"{sujet}, {'décembre ' if decembre else ''}{annee}")
    return f"Situation connue : {' ; '.join(dites)}." if dites else "Situation connue : aucun chiffre daté."


class Diagnostic:
    """Tout ce que montre le rapport d'un territoire.

    Parameters
    ----------
    code : str
        Code ou nom du territoire (``"200048551"``, ``"Pays de Craon"``, ``"53012+53084"``).
    nom_usage : str
        Titre du rapport ; le nom officiel par défaut.
    annee : str or int
        Année voulue ; vide : la dernière de chaque indicateur.
    qpv, registre, registre_complet : str
        Fichiers de l'utilisateur, voir :func:`cafdiag.donnees.lire_apports` ; départements séparés par
        des virgules.
    questionnaire : str
        Fichiers de réponses des familles, séparés par des virgules (:func:`cafdiag.depouiller`) : leurs mots entrent
        dans la parole des acteurs, thème par thème.
    **choix
        Choix de calcul (``distance_alsh_km``, ``seuil_caf``…), voir :class:`cafdiag.indicateurs.Options`.

    Raises
    ------
    DemandeFausse, EntreeFautive
        Territoire introuvable, année qui n'en est pas une, fichier fautif.

    Examples
    --------
    >>> d = Diagnostic("200048551")
    >>> d.territoire.nom, d.lecture.texte("PE_TXCOUV_GLOBAL")
    ('CC du Pays de Craon', '79,9')
    """

    def __init__(
        self,
        code: str,
        *,
        nom_usage: str = "",
        annee: str | int = "",
        qpv: str = "",
        registre: str = "",
        registre_complet: str = "",
        questionnaire: str = "",
        **choix: Any,
    ) -> None:
        self.options = Options(**choix)
        self.territoire: Territoire = territoire(code)
        self.nom = nom_usage.strip() or self.territoire.nom
        if self.territoire.maille == "perimetre":
            # Un périmètre n'a pas de nom officiel : le sien est celui qu'on lui donne, partout.
            self.territoire = replace(self.territoire, nom=self.nom)
        self.annee = lire_annee(annee)
        complets = [d for d in registre_complet.split(",") if d.strip()]
        self.apports = (
            lire_apports(qpv=qpv or None, registre=registre or None, registre_complet=complets)
            if qpv or registre or complets
            else Apports()
        )
        reponses = [f.strip() for f in questionnaire.split(",") if f.strip()]
        self.familles = depouiller(self.territoire, reponses, seuil=self.options.seuil_caf) if reponses else None
        self.rattachement = rattachement(self.territoire)
        self.confrontation = self._confronter()
        self.mesures = self.confrontation.mesures
        self.lecture = MesuresLues(
            # Le fichier de mesures garde les motifs entiers ; le lecteur du rapport n'en voit que ce qui lui parle.
            self.mesures.assign(motif=self.mesures["motif"].map(annexes.motif_du_lecteur)),
            departement=self.rattachement.nom,
            confrontation=self.confrontation,
            series=series_du_rapport(
                self.territoire, annee=self.annee, apports=self.apports, options=self.options
            ),
        )
        self.autour = self._mesurer_autour()
        self.donnees = Donnees(
            self.territoire,
            self.nom,
            self.lecture,
            self.autour,
            self.apports,
            self.annee,
            self.options,
            self.rattachement,
            self.confrontation,
            self._mesurer_naissances(),
        )
        self.cartes = CartesDuDiagnostic(self.donnees)
        self._emis: list[Element] = []

    def _confronter(self) -> Confrontation:
        trouve = confronter(self.territoire, annee=self.annee, apports=self.apports, options=self.options)
        table, groupes = trouve.mesures, trouve.groupes
        if not self.rattachement.compare:
            table = table[table["role"].ne("departement")].reset_index(drop=True)
            groupes = {cle: g for cle, g in groupes.items() if cle != "proches"}
        return replace(trouve, mesures=table, groupes=groupes)

    def _mesurer_autour(self) -> pd.DataFrame:
        if self.territoire.maille in ("region", "france"):
            return self.mesures.iloc[:0]
        return mesurer_maille(
            "epci",
            ["PE_TXCOUV_GLOBAL"],
            codes=epci_autour(self.territoire),
            annee=self.annee,
            options=self.options,
        )

    def _mesurer_naissances(self) -> pd.DataFrame:
        if not self.lecture.connu(NAISSANCES):
            return self.mesures.iloc[:0]
        return mesures_d_une_serie(
            self.territoire, NAISSANCES, annee=self.annee, apports=self.apports, options=self.options
        )

    def _bloc(self, elements: Suite) -> Bloc:
        self._emis += elements
        return Bloc(elements)

    def garde(self) -> Bloc:
        """Titre, territoire, situation connue au…, sommaire."""
        t = self.territoire
        parents = [p.nom for p in t.parents.values() if p.maille in ("departement", "region")]
        maille = LIBELLES_MAILLES[t.maille] + ("" if t.maille in ("france", "perimetre") else f" {t.code}")
        garde: dict[str, Any] = {
            "titre": self.nom,
            "sous_titre": "Diagnostic de territoire pour la convention territoriale globale",
            "situation": situation(self.lecture),
            "maille": " · ".join(dict.fromkeys([maille, *parents])),
            "avertissements": [note.sans_code(a) for a in t.avertissements],
        }
        dite = (Titre(0, mots(self.nom)), *paragraphes(garde["sous_titre"], garde["situation"]))
        return Bloc(dite, donnees={MIME_GARDE: garde})

    def en_bref(self) -> Bloc:
        """Six constats au plus, avant tout tableau, et la règle qui les a choisis."""
        dits = bref.en_bref(self.territoire, self.lecture, nom=self.nom)
        dedans = liste(dits.phrases, ordonnee=True) + paragraphe(dits.methode, allure="source")
        return self._bloc((Section("En bref", dedans, ancre="en-bref", genre="bref"),))

    def rang(self) -> textes.Rang | None:
        """Place du territoire parmi les EPCI de son département ; None s'il n'en est pas un."""
        if self.territoire.maille != "epci" or not self.lecture.connu("PE_TXCOUV_GLOBAL"):
            return None
        if not self.rattachement.compare:
            return None
        codes = epci_du_departement(self.territoire.departement)
        if self.territoire.code not in codes:
            return None
        valeurs = self.autour[self.autour["territoire"].isin(codes)]["valeur"].dropna()
        return textes.Rang(int((valeurs > self.lecture.valeur("PE_TXCOUV_GLOBAL")).sum()) + 1, len(valeurs))

    def chapitre(self, theme: str) -> Bloc:
        """L'ouverture d'un thème : chiffres clés, constats, graphiques."""
        return self._bloc(chapitres.chapitre(_theme(theme), self.donnees))

    def comparaison(self, theme: str) -> Bloc:
        """La suite d'un thème, après sa carte : comparer, limites, parole des acteurs."""
        paroles = chapitres.paroles(self.donnees, self.familles)
        return self._bloc(chapitres.comparaison(_theme(theme), self.donnees, paroles.get(theme, ())))

    def carte_couverture(self):
        """Carte 1 : l'EPCI parmi ceux de son département et ses voisins."""
        return self.cartes.couverture()

    def carte_jeunes_enfants(self):
        """Carte 2 : enfants de moins de 3 ans et établissements d'accueil, par commune."""
        return self.cartes.jeunes_enfants()

    def carte_alsh(self):
        """Carte 3 : distance au plus proche accueil de loisirs, par commune."""
        return self.cartes.alsh()

    def carte_vie_sociale(self):
        """Carte 4 : centres sociaux, EVS, France services et quartiers prioritaires."""
        return self.cartes.vie_sociale()

    def enjeux(self) -> Bloc:
        """Constats à débattre, du plus éloigné de sa référence au plus proche."""
        return self._bloc(chapitres.enjeux(self.lecture))

    def simulation(self) -> Bloc:
        """Places à créer pour rejoindre le département et la France, financement ; enfants sans place à portée."""
        section = simulations_du_rapport.section(self.donnees, self.simulations)
        return self._bloc(section + besoin_du_rapport.section(self.besoin))

    def carte_besoin(self):
        """Carte 5 : part des enfants sans place à portée, par commune."""
        return besoin_du_rapport.carte_du_rapport(self.besoin)

    @cached_property
    def besoin(self) -> Besoin | None:
        """Les enfants sans place à portée, comptés une fois ; None si rien ne permet de les compter."""
        return besoin_du_rapport.chercher(self.donnees)

    @cached_property
    def _mesures_du_besoin(self) -> pd.DataFrame:
        return besoin_du_rapport.mesures_du_besoin(self.besoin)

    @cached_property
    def _mesures_de_l_horizon(self) -> pd.DataFrame:
        return horizon_du_rapport.mesures_de_l_horizon(self.projection)

    @cached_property
    def simulations(self) -> list:
        """Les simulations montrées, calculées une fois."""
        return simulations_du_rapport.simulations(self.donnees, self.mesures)

    def horizon(self) -> Bloc:
        """Naissances et enfants à dix ans : trois hypothèses, l'épreuve du passé, ce qui change la demande."""
        return self._bloc(horizon_du_rapport.section(self.projection))

    @cached_property
    def projection(self) -> Horizon | str:
        """L'horizon montré, calculé une fois ; ou la phrase qui dit pourquoi on se tait."""
        return horizon_du_rapport.projeter(self.donnees)

    def note(self) -> Bloc:
        """Ce que dira la note de l'élu, si on la demande ; le rapport n'en montre rien."""
        carte = self.cartes.mesures_affichees().to_dict("records")
        enfants = {m["nom"]: m["valeur"] for m in carte if m["indicateur"] == "PE_ENF_M3" and pd.notna(m["valeur"])}
        besoin = self._mesures_du_besoin
        blocs = [self.cartes.mesures_affichees(), self.communes_de_la_note if enfants else (), besoin]
        communales = pd.concat([b for b in blocs if len(b)], ignore_index=True) if any(map(len, blocs)) else None
        dite = note.contenu(self.donnees, enfants, besoin_du_rapport.pour_la_note(self.besoin, besoin), communales)
        dite["perspectives"] = [
            *besoin_du_rapport.perspective(self.besoin),
            *horizon_du_rapport.perspective(self.projection),
        ]
        dite["copil"] = copil.contenu(self.donnees, self.simulations)
        combien = f"{len(dite['cles'])} chiffres clés, {len(dite['enjeux'])} enjeux, {len(dite['themes'])} thèmes"
        return Bloc(paragraphe(f"La note de quatre pages : {combien}."), donnees={MIME_NOTE: dite})

    @cached_property
    def communes_de_la_note(self) -> pd.DataFrame:
        """Les habitants de chaque commune, que la note met en tableau."""
        return note_tableaux.mesures_des_communes(self.donnees)

    def non_enonce(self) -> Bloc:
        """Ce que le rapport ne dit pas encore, et pourquoi."""
        return self._bloc(chapitres.non_enonce(self.donnees))

    def methode_et_sources(self) -> Bloc:
        """Méthode, sources, glossaire des seuls termes employés."""
        sources = tableau(
            annexes.sources(self.toutes_les_mesures()),
            titre="Sources des chiffres montrés",
            colonnes={"source": "Source", "millesime": "Millésime"},
        )
        lexique = annexes.glossaire(tuple(self._emis))
        methode = Section("Méthode et sources", (*annexes.methode(self.options), sources), ancre="methode")
        return self._bloc((methode, *((Section("Glossaire", lexique, ancre="glossaire"),) if lexique else ())))

    def toutes_les_mesures(self) -> pd.DataFrame:
        """Toutes les Mesures affichées : territoire, références, EPCI alentour, communes des cartes, années tracées."""
        autour = self.autour.assign(role="epci_alentour")
        autour = autour[autour["territoire"].ne(self.territoire.code)]
        groupes = comparables.mesures_citees(self.donnees)
        simulees = simulations_du_rapport.mesures_des_simulations(self.simulations)
        carte = self.cartes.mesures_affichees().assign(role="carte")
        projetees = self._mesures_de_l_horizon
        # Compté seulement s'il est montré.
        sans_place = self._mesures_du_besoin if "besoin" in self.__dict__ else carte.iloc[:0]
        de_la_note = self.__dict__.get("communes_de_la_note", carte.iloc[:0])
        blocs = [self.mesures, mesures_tracees(self.donnees), autour, groupes, carte, simulees, projetees, sans_place]
        blocs.append(de_la_note)
        return pd.concat([b for b in blocs if len(b)], ignore_index=True)

    def mesures_jointes(self) -> Bloc:
        """Les mesures à joindre au rapport.

        Raises
        ------
        ProductionImpossible
            Une mesure confidentielle a échappé au masque.
        """
        table = self.toutes_les_mesures()
        if confidentielles():
            from cafdiag.indicateurs.secret_application import verifier

            verifier(table, options=self.options, perimetres={self.territoire.code: self.territoire.communes})
        return Bloc(
            paragraphe(f"{len(table)} mesures jointes."),
            donnees={MIME_MESURES: jointes.en_json(table)},
        )

    def controle(self) -> pd.DataFrame:
        """Nombres que l'essai du carnet compare : taux publiés et comptes du territoire."""
        codes = [
            "PE_TXCOUV_GLOBAL",
            "PE_TXCOUV_EAJE",
            "PE_TXCOUV_AM",
            "CTX_POP",
            "CTX_COM_FRR",
            "CTX_QPV_NB",
            "AVS_QPV_COUV",
            "PE_NAISS_EVOL",
            "PS_COUV_POP",
        ]
        table = self.mesures[self.mesures["indicateur"].isin(codes) & self.mesures["role"].eq("territoire")]
        return table.set_index("indicateur").loc[codes, ["annee", "valeur", "statut"]].round(2)


def _theme(theme: str) -> str:
    if theme not in chapitres.CHAPITRES:
        raise DemandeFausse(f"thème sans chapitre : « {theme} »", attendu=", ".join(chapitres.CHAPITRES))
    return theme
