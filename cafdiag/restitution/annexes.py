"""La fin du rapport : ce qui n'est pas énoncé et pourquoi, les sources, les mots employés."""

from __future__ import annotations

import re

import pandas as pd

from cafdiag.donnees.tables_assemblees import confidentielles
from cafdiag.geographie import geographie
from cafdiag.indicateurs import Options
from cafdiag.millesimes import millesime
from cafdiag.restitution.document import Case, Suite, Table, liste, mots, tous_les_mots
from cafdiag.restitution.formats import chiffrees, cle_de_tri, statut

GLOSSAIRE = {
    "AAH": "allocation aux adultes handicapés.",
    "AEEH": "allocation d'éducation de l'enfant handicapé.",
    "ALSH": "accueil de loisirs sans hébergement.",
    "ANCT": "Agence nationale de la cohésion des territoires.",
    "Caf": "caisse d'allocations familiales.",
    "Cnaf": "caisse nationale des allocations familiales.",
    "CLAS": "contrat local d'accompagnement à la scolarité.",
    "COG": "code officiel géographique (Insee).",
    "CMG": "complément de libre choix du mode de garde.",
    "CTG": "convention territoriale globale entre une Caf et des communes, pour quatre à cinq ans.",
    "EAJE": "établissement d'accueil du jeune enfant : crèche, multi-accueil, micro-crèche.",
    "EPCI": "intercommunalité (établissement public de coopération intercommunale).",
    "ETP": "équivalent temps plein.",
    "EVS": "espace de vie sociale, agréé par la Caf.",
    "France services": "guichet où l'on est aidé dans ses démarches.",
    "FRR": f"France ruralités revitalisation, à la place des ZRR depuis juillet {millesime('zonages.frr_debut')}.",
    "foyer allocataire": "foyer qui perçoit au moins une prestation de la Caf.",
    "FJT": "foyer de jeunes travailleurs.",
    "LAEP": "lieu d'accueil enfants-parents.",
    "MSA": "mutualité sociale agricole, hors des chiffres de la Caf.",
    "personnes couvertes": "allocataire, conjoint, enfants et autres personnes à charge au sens de la Caf.",
    "Paje": "prestation d'accueil du jeune enfant.",
    "Piaje": "plan d'investissement pour l'accueil du jeune enfant (Caf).",
    "place": "peut servir à plusieurs enfants, tour à tour.",
    "préscolarisation": "scolarisation à l'école maternelle dès 2 ans.",
    "PSU": "prestation de service unique, versée aux crèches à l'heure.",
    "QPV": f"quartier prioritaire de la politique de la ville (liste {millesime('qpv.liste')}).",
    "RPE": "relais petite enfance.",
    "RSA": "revenu de solidarité active.",
    "SDJES": "service départemental à la jeunesse, à l'engagement et aux sports.",
    "taux de couverture": "places pour 100 enfants de moins de 3 ans.",
    "ZRR": "zone de revitalisation rurale.",
}


A_DEMANDER, PAS_ICI = "à demander : ", "chiffre pas encore réuni pour ce territoire"
_A_DEMANDER = re.compile(r"(^|; |: )([^;:]+?) : à apporter \([^)]*\)")
_AILLEURS = re.compile(r" \(fournie pour [^)]+ seulement\)")
_PAS_ICI = re.compile(r"donnée fournie pour [^;()]+ seulement")
# Un conseil de métier : une commande, un fichier, un registre à fournir. Sa place est dans le bordereau du chargé.
_CONSEIL = re.compile(r"cafdiag|\.(?:xlsx|csv|toml)\b|--\w|\b(?:fournissez|apportez|importez)\b")


def motif_du_lecteur(motif: str) -> str:
    """Le motif d'un manquant, sans les conseils qui ne parlent qu'au chargé : commande, modèle, registre.

    Examples
    --------
    >>> motif_du_lecteur("Cnaf : à apporter (« cafdiag donnees telecharger bpe »)")
    'à demander : Cnaf'
    >>> motif_du_lecteur("un relais en couvre d'autres ; Relais petite enfance : à apporter (« cafdiag modele rpe »)")
    "un relais en couvre d'autres ; à demander : Relais petite enfance"
    >>> motif_du_lecteur("liste d'EVS partielle, une part n'en dit rien : fournissez un registre complet")
    "liste d'EVS partielle, une part n'en dit rien"
    """
    if pd.isna(motif):
        return ""
    dit = _A_DEMANDER.sub(rf"\1{A_DEMANDER}\2", str(motif))
    dit = _PAS_ICI.sub(PAS_ICI, _AILLEURS.sub("", dit))
    dit = dit.replace("n'est pas importé", "n'est pas connu").replace("ne sont pas fournies", "ne sont pas connues")
    clauses = []
    for clause in dit.split(" ; "):
        gardees = [part for part in clause.split(" : ") if not _CONSEIL.search(part)]
        if gardees:
            clauses.append(" : ".join(gardees))
    return " ; ".join(clauses)


def non_enonce(mesures: pd.DataFrame) -> pd.DataFrame:
    """Indicateurs sans chiffre sur le territoire, regroupés par motif.

    Parameters
    ----------
    mesures : DataFrame
        Mesures du territoire seul.

    Returns
    -------
    DataFrame
        ``motif, etat, indicateurs, nombre``, une ligne par motif ; les « sans objet » en sont. ``indicateurs``
        les nomme tous, séparés par des points-virgules.
    """
    muettes = mesures[~chiffrees(mesures)]
    muettes = muettes.assign(
        etat=muettes["statut"].map(lambda s: statut(s).libelle),
        motif=muettes["motif"].map(lambda m: m or "raison non précisée"),
    )
    groupes = muettes.groupby(["motif", "etat"], sort=False)["libelle"]
    table = groupes.agg(indicateurs=" ; ".join, nombre="size").reset_index()
    return table.sort_values("nombre", ascending=False, kind="stable", ignore_index=True)


def sources(mesures: pd.DataFrame) -> pd.DataFrame:
    """Sources des chiffres montrés : producteur et jeu, millésimes.

    Parameters
    ----------
    mesures : DataFrame
        Mesures du rapport, avec leur ``role``. Une référence n'est montrée qu'à côté d'un chiffre du territoire :
        celles des indicateurs inconnus ici n'amènent pas leur source.
    """
    dites = mesures[chiffrees(mesures)]
    if "role" in dites:
        ici = set(dites.loc[dites["role"].eq("territoire"), "indicateur"])
        references = dites["role"].isin(["departement", "region", "france", "comparables"])
        dites = dites[~references | dites["indicateur"].isin(ici)]
        # Les années d'un graphique tiennent en une mention.
        tracees = dites["role"].eq("serie")
        debuts = dites.loc[tracees, "annee"].groupby(dites["source"]).min()
        mentions = dites["source"].map(lambda s: f"série depuis {debuts[s]:.0f}" if s in debuts else "")
        dites = dites.assign(millesime=dites["millesime"].where(~tracees, mentions))
    groupes = dites.groupby("source", sort=False)["millesime"].agg(lambda s: " ; ".join(sorted(set(s))))
    table = groupes.rename("millesime").reset_index()
    return table.sort_values("source", key=lambda c: c.map(cle_de_tri), ignore_index=True)


def glossaire(elements: Suite) -> Suite:
    """Le tableau des seuls termes employés dans le rapport ; rien si aucun ne l'est."""
    texte = " ".join(tous_les_mots(elements))
    employes = sorted((t for t in GLOSSAIRE if re.search(rf"\b{re.escape(t)}s?\b", texte)), key=cle_de_tri)
    if not employes:
        return ()
    tete = tuple(Case(mots(c), entete=True) for c in ("Terme", "Ce qu'il veut dire"))
    corps = tuple((Case(mots(t), entete=True), Case(mots(GLOSSAIRE[t]))) for t in employes)
    return (Table("Termes employés", "", (tete,), corps),)


def methode(options: Options) -> Suite:
    """Les règles de lecture ; celle du secret quand l'entrepôt contient des données confidentielles."""
    regles: tuple[str, ...] = (
        "Un taux agrégé est un rapport de sommes, jamais une moyenne de taux.",
        "Un manquant n'est ni un zéro, ni classé, ni moyenné : il est nommé.",
        f"Les communes et les intercommunalités sont celles du 1er janvier {geographie()} (code officiel géographique, "
        "COG) ; celles d'avant y sont suivies.",
        "Les effectifs de la Caf sont arrondis à 5 par commune : l'intervalle possible est calculé et, s'il dépasse "
        "trois points de part et d'autre, le taux n'est pas montré.",
        "Chaque chiffre du rapport, avec son statut, son intervalle et sa source, est dans le fichier de mesures qui "
        "l'accompagne.",
    )
    if confidentielles():
        regles += (
            f"Une donnée confidentielle n'est pas montrée (s) si elle compte moins de {options.seuil_caf} unités, ni "
            "si, avec les totaux et les territoires voisins, elle en ferait retrouver une autre.",
        )
    return liste(regles)
