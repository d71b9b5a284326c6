"""Le kit du service public de la petite enfance : état des missions, trame du schéma pluriannuel.

La trame est remplie de ce que disent les données publiques ; ce qui revient aux élus et aux partenaires est marqué
« À compléter ». Elle sort en texte, en markdown ou en page HTML.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from cafdiag.donnees import VARIABLES, Apports
from cafdiag.indicateurs import comparer, mesurer_maille
from cafdiag.indicateurs.baremes import lire_baremes
from cafdiag.indicateurs.simulation import TAUX, Simulateur
from cafdiag.indicateurs.sppe import MISSIONS, OBLIGATIONS, Sppe
from cafdiag.indicateurs.sppe_schema import AMORCE, ENTETES, POINTS, TEXTE, Controle, controler
from cafdiag.magasin import ecrire_atomique
from cafdiag.millesimes import millesime
from cafdiag.restitution.bloc import Bloc
from cafdiag.restitution.document import Document, Section, Suite, a_completer, liste
from cafdiag.restitution.formats import decimales_de, enumeration, majuscule, nombre, pluriel, statut
from cafdiag.restitution.piece import (
    controler_sortie,
    ecrire_piece,
    en_colonnes,
    formes_des_pieces,
)
from cafdiag.restitution.piece import piece as en_piece
from cafdiag.restitution.simulation import MODES_COURTS, conclusion, montant, places_dites, sans_fichier
from cafdiag.restitution.tableaux import tableau

REPONSES = {"oui": "oui", "non": "non", "a_verifier": "à vérifier", "inconnu": "inconnu"}
_ETAT_DES_LIEUX = (
    "PE_ENF_M3",
    "PE_NAISS_EVOL",
    "PE_TXCOUV_GLOBAL",
    "PE_TXCOUV_EAJE",
    "PE_TXCOUV_AM",
    "PE_NB_EAJE",
    "PE_NB_MICRO",
)
_BESOINS = ("PE_PARENTS_EMPLOI", "PE_ENF_M3_5ANS")
_EN_DIFFICULTE = ("PE_MONOPAR", "PS_RSA", "PS_PPA", "HAN_AEEH_100")
_EMPLOIS = ("PE_PART_AM_55",)
_QUALITE = ("PE_AM_PAR_RPE", "PE_MIXITE_HANDICAP")
_ROLES = {"departement": "Département", "region": "Région", "france": "France"}
COMMUNES_MONTREES = 15
CONTROLE = "La convention vaut-elle schéma ?"
TITRES = {CONTROLE: "Les onze points du texte"}


@dataclass(frozen=True)
class Rubrique:
    """Un morceau de la trame : des phrases, un tableau, et ce qui reste à écrire."""

    titre: str
    phrases: tuple[str, ...] = ()
    table: pd.DataFrame | None = None
    a_completer: tuple[str, ...] = field(default=())
    # Vrai si des chiffres publics y répondent déjà, en partie, à ce que demande le texte.
    amorce: bool = False


def trame(
    etat: Sppe, *, apports: Apports | None = None, declares: Mapping[str, str] | None = None
) -> list[Rubrique]:
    """La trame du schéma pluriannuel, rubrique par rubrique ; d'abord, ce que la convention en porte déjà.

    Parameters
    ----------
    declares : mapping, optional
        Où chaque point se lit dans la convention (:func:`cafdiag.indicateurs.sppe_schema.lire_grille`).
    """
    lieu = etat.territoire
    codes = [*_ETAT_DES_LIEUX, *_BESOINS, *_EN_DIFFICULTE, *_EMPLOIS, *_QUALITE]
    comparees = comparer(lieu, list(dict.fromkeys(codes)), apports=apports)
    simulateur = Simulateur(lieu, apports=apports, mesures=comparees)
    faites = [
        (taux, role, simulateur.vers(role, taux=taux))
        for taux in TAUX
        for role in ("departement", "france")
        if pd.notna(simulateur.references(taux)["valeur"].get(role, math.nan))
    ]
    contenu = [
        _missions(etat),
        _accompagnement(etat),
        _etat_des_lieux(comparees),
        _en_chiffres(
            "Besoins",
            comparees,
            _BESOINS,
            (
                "besoins exprimés par les familles (questionnaire, relais, listes d'attente) et horaires demandés",
                "demandes d'accueil occasionnel, d'urgence, à temps partiel",
            ),
        ),
        _zones(etat, apports),
        _objectifs(faites),
        _en_chiffres(
            "Emplois et compétences",
            comparees,
            _EMPLOIS,
            ("postes vacants, départs prévus, métiers en tension, formations à soutenir",),
        ),
        _en_chiffres(
            "Familles en difficulté",
            comparees,
            _EN_DIFFICULTE,
            (
                "dispositifs et partenariats pour les familles que gênent leurs ressources, leur santé, un handicap ou "
                "leurs horaires de travail (places réservées, tarifs, horaires élargis, accompagnement)",
            ),
        ),
        _en_chiffres(
            "Qualité de l'accueil",
            comparees,
            _QUALITE,
            ("accompagnement des professionnels : relais, analyse de pratiques, formation, charte nationale",),
        ),
        Rubrique(
            "Projets d'investissement",
            a_completer=("rénovation, entretien, création : équipement, places, maître d'ouvrage, date",),
        ),
        Rubrique(
            "Calendrier",
            _echeances(),
            a_completer=(
                "durée du schéma, étapes, dates d'ouverture prévues, date du bilan",
                "instances de pilotage et de concertation (Caf, PMI, gestionnaires, familles)",
            ),
        ),
        _cout(faites),
        _suivi(comparees),
        Rubrique("Hypothèses et sources", (*etat.hypotheses, *etat.inconnues, *etat.sources)),
    ]
    rubriques = [_controle(controler([r.titre for r in contenu if r.amorce], declares)), *contenu]
    return [replace(r, phrases=tuple(map(sans_fichier, r.phrases))) for r in rubriques]


def _controle(controle: Controle) -> Rubrique:
    """« La convention vaut-elle schéma ? » : un point du texte par ligne."""
    table = pd.DataFrame(
        [
            {
                "Point": c.point.numero,
                "Ce que le texte demande": c.point.demande,
                "État": c.etat,
                "Où": c.ou or (f"trame, « {c.point.rubrique} » : à compléter" if c.etat == AMORCE else "—"),
            }
            for c in controle.constats
        ]
    )
    return Rubrique(
        CONTROLE,
        (
            controle.verdict,
            f"Rempli : vous dites où ; amorcé : la trame donne des chiffres publics, le reste est à écrire. "
            f"Texte : {TEXTE}.",
        ),
        table,
        ("concertation préalable, délibération, transmission au comité départemental des services aux familles",),
    )


def grille() -> bytes:
    """La grille à remplir : un point du texte par ligne, où il se lit dans la convention."""
    from cafdiag.restitution.modeles import classeur_modele

    return classeur_modele(
        "Grille",
        [("Point", 10), (ENTETES[1], 70), (ENTETES[2], 40), (ENTETES[3], 40)],
        [(p.numero, majuscule(p.demande), None, None) for p in POINTS],
        titre=CONTROLE,
        emploi=(
            f"Un point par ligne : {TEXTE}.",
            "Écrivez, dans la troisième colonne, où il se lit dans la convention : page, article, annexe.",
            "Laissez vide ce qui n'y est pas.",
            "Puis : cafdiag sppe CODE --ctg cette-grille.xlsx",
        ),
    )


def _en_chiffres(titre: str, mesures: pd.DataFrame, codes: tuple[str, ...], a_completer: tuple[str, ...]) -> Rubrique:
    """Une rubrique de chiffres publics ; sans aucun chiffre, elle reste à écrire."""
    ici = mesures[mesures["indicateur"].isin(codes)]
    siens = ici[ici["role"].eq("territoire")]
    connus = tuple(c for c in codes if siens.set_index("indicateur")["valeur"].notna().get(c, False))
    if not connus:
        return Rubrique(titre, ("Aucun chiffre public n'est disponible ici.",), None, a_completer)
    retenues = ici[ici["indicateur"].isin(connus)]
    phrases = ("« e » : estimé ; « a » : tiré de nombres arrondis ; « n.d. » : non disponible.", _sources(retenues))
    return Rubrique(titre, phrases, _comparees(retenues, connus), a_completer, amorce=True)


def _echeances() -> tuple[str, ...]:
    """Depuis quand vaut chaque obligation, et d'où on le tient."""
    choix = [lire_baremes().choisir(f"sppe_seuil_{nom}") for nom in ("planifier", "schema", "rpe")]
    return tuple(
        f"{c.libelle} {nombre(c.haut, decimales=0)} habitants, {c.periode} ({c.source})." for c in choix if c.connu
    )


def _missions(etat: Sppe) -> Rubrique:
    phrases = [
        "Toutes les communes doivent " + enumeration([MISSIONS["recenser"], MISSIONS["informer"]]) + "."
    ]
    for code, quoi in (("planifier", "planifier et soutenir la qualité"), *OBLIGATIONS.items()):
        compte = etat.compte(code)
        noms = etat.communes["nom"]
        dites = [
            f"{pluriel(compte[r], 'commune')} {mot} ({enumeration(list(noms[etat.communes[code].eq(r)]), maximum=6)})"
            for r, mot in (
                ("oui", "tenues" if compte.get("oui", 0) > 1 else "tenue"),
                ("a_verifier", "à vérifier"),
            )
            if compte.get(r)
        ]
        if compte.get("inconnu"):
            dites.append(f"population inconnue pour {pluriel(compte['inconnu'], 'commune')}")
        phrases.append(f"{majuscule(quoi)} : {' ; '.join(dites) if dites else 'aucune commune tenue'}.")
    if etat.communes["planifier"].eq("inconnu").any():
        inconnues = list(etat.communes.loc[etat.communes["planifier"].eq("inconnu"), "nom"])
        phrases.append(f"Population inconnue : {enumeration(inconnues, maximum=6)}.")
    for mission, quoi in MISSIONS.items():
        qui = etat.communes[f"exerce_{mission}"]
        transferees = qui[~qui.isin(["la commune", ""])]
        for beneficiaire, n in transferees.value_counts().items():
            phrases.append(f"Transfert déclaré, {quoi} : {pluriel(int(n), 'commune')}, à {beneficiaire}.")
    colonnes = ["nom", "population", "planifier", "schema", "rpe", "proche_du_seuil"]
    utiles = etat.communes[etat.communes["planifier"].ne("non") | etat.communes["proche_du_seuil"].ne("")]
    montrees = utiles[colonnes].assign(
        **{c: utiles[c].map(REPONSES) for c in ("planifier", "schema", "rpe")},
        proche_du_seuil=utiles["proche_du_seuil"].where(utiles["proche_du_seuil"].ne(""), "—"),
        exerce=utiles["exerce_planifier"].where(utiles["exerce_planifier"].ne(""), "—"),
    )
    montrees = montrees.rename(
        columns={
            "nom": "Commune",
            "population": "Habitants",
            "planifier": "Planifier, qualité",
            "schema": "Schéma",
            "rpe": "RPE",
            "proche_du_seuil": "Près d'un seuil",
            "exerce": "Planification exercée par",
        }
    )
    return Rubrique(
        "Qui doit quoi",
        tuple(phrases),
        montrees if len(montrees) else None,
        ("délibérations de transfert, conventions, moyens humains de chaque mission",),
    )


_ENVELOPPE = millesime("sppe.enveloppe")


def _accompagnement(etat: Sppe) -> Rubrique:
    titre = "Accompagnement financier de l'État"
    if etat.accompagnement.empty:
        return Rubrique(titre, etat.inconnues or ("Aucune commune tenue de planifier : sans objet ici.",))
    baremes = lire_baremes()
    enveloppe, communes = (baremes.choisir(c, annee=_ENVELOPPE) for c in ("sppe_enveloppe", "sppe_communes_aidees"))
    phrases = [
        "Il est proportionnel au produit d'un coefficient de naissances et d'un coefficient de potentiel financier."
    ]
    if enveloppe.connu and communes.connu:
        moyenne = nombre(enveloppe.bornes[0] / communes.bornes[0], decimales=0)
        phrases.append(
            f"En {_ENVELOPPE}, la moyenne nationale est d'environ {moyenne} € par commune aidée ({enveloppe.source})."
        )
    table = etat.accompagnement[["nom", "naissances", "millesime", "coefficient_naissances"]].assign(
        financier="non lu", montant="inconnu"
    )
    table["millesime"] = table["millesime"].mask(table["millesime"].eq(""), "—")
    table.columns = [
        "Commune",
        "Naissances de trois ans",
        "Années",
        "Coefficient des naissances",
        "Coefficient du potentiel financier",
        "Montant",
    ]
    if etat.accompagnement["naissances"].notna().any():
        phrases.append(f"Naissances : {VARIABLES['naissances'].source}.")
    return Rubrique(
        titre,
        (*phrases, *etat.inconnues),
        table,
        ("montants notifiés par l'État",),
    )


def _ecrire(ligne: dict) -> str:
    if not statut(ligne["statut"]).chiffre or pd.isna(ligne["valeur"]):
        return statut("non_disponible").symbole
    ecrit = nombre(ligne["valeur"], decimales=decimales_de(ligne["unite"]), unite=ligne["unite"])
    signe = statut(ligne["statut"]).symbole
    return f"{ecrit} {signe}" if signe else ecrit


def _sources(mesures: pd.DataFrame) -> str:
    return f"Sources : {' ; '.join(dict.fromkeys(mesures['source']))}."


def _etat_des_lieux(mesures: pd.DataFrame) -> Rubrique:
    return Rubrique(
        "État des lieux",
        ("« e » : estimé ; « n.d. » : non disponible.", _sources(mesures[mesures["indicateur"].isin(_ETAT_DES_LIEUX)])),
        _comparees(mesures, _ETAT_DES_LIEUX),
        (
            "places par établissement, taux d'occupation, horaires, tarifs (gestionnaires)",
            "demandes non satisfaites, listes d'attente, accueil d'enfants en situation de handicap",
            "assistants maternels : âge, départs prévus, agréments non employés (PMI, relais)",
        ),
        amorce=True,
    )


def _comparees(mesures: pd.DataFrame, codes: tuple[str, ...]) -> pd.DataFrame:
    """Un indicateur par ligne : le territoire, puis ceux qui le contiennent."""
    lignes = []
    for code in codes:
        siennes = mesures[mesures["indicateur"].eq(code)].set_index("role").to_dict("index")
        ici = siennes["territoire"]
        lignes.append(
            {
                "Indicateur": f"{ici['libelle']} ({ici['unite']}, {ici['annee']})",
                "Territoire": _ecrire(ici),
                **{nom: _ecrire(siennes[r]) for r, nom in _ROLES.items() if r in siennes},
            }
        )
    return pd.DataFrame(lignes)


def _zones(etat: Sppe, apports: Apports | None) -> Rubrique:
    a_completer = ("zones retenues comme sous-dotées, et pourquoi (trajets, horaires, public)",)
    codes = list(etat.communes.index)
    if len(codes) < 2:
        return Rubrique("Zones sous-dotées", ("Une seule commune : rien à comparer.",), None, a_completer)
    mesures = mesurer_maille(
        "commune", ["PE_ENF_M3", "PE_NB_EAJE", "PE_NB_MICRO"], codes=codes, apports=apports
    )
    table = mesures.pivot(index="territoire", columns="indicateur", values="valeur").reindex(
        columns=["PE_ENF_M3", "PE_NB_EAJE", "PE_NB_MICRO"]
    )
    connues = table.dropna(subset=["PE_NB_EAJE", "PE_NB_MICRO"])
    if connues.empty:
        return Rubrique(
            "Zones sous-dotées",
            ("Les établissements par commune ne sont pas connus ici.",),
            None,
            a_completer,
        )
    sans = connues[connues["PE_NB_EAJE"].add(connues["PE_NB_MICRO"]).eq(0)]
    sans = sans.sort_values("PE_ENF_M3", ascending=False)
    verbe = "n'ont" if len(sans) > 1 else "n'a"
    phrases = [
        f"{pluriel(len(sans), 'commune')} sur {len(connues)} {verbe} ni établissement ni micro-crèche dans la base des "
        "équipements (Insee), qui en oublie ; une crèche voisine ou les assistants maternels peuvent y répondre.",
    ]
    if len(connues) < len(codes):
        phrases.append(f"Équipements inconnus pour {pluriel(len(codes) - len(connues), 'commune')}.")
    if len(sans) > COMMUNES_MONTREES:
        phrases.append(f"Les {COMMUNES_MONTREES} où vivent le plus d'enfants de moins de 3 ans (estimés) :")
    montrees = pd.DataFrame(
        {
            "Commune sans établissement": etat.communes["nom"].reindex(sans.index),
            "Enfants de moins de 3 ans (estimés)": sans["PE_ENF_M3"],
        }
    ).head(COMMUNES_MONTREES)
    return Rubrique(
        "Zones sous-dotées", tuple(phrases), montrees if len(montrees) else None, a_completer, amorce=True
    )


def _objectifs(faites: list) -> Rubrique:
    phrases = [
        f"{MODES_COURTS[taux]}, {s.hypotheses[0].removeprefix('Cible : ').rstrip('.')} : {conclusion(s)}"
        for taux, _, s in faites
    ]
    return Rubrique(
        "Objectifs",
        tuple(phrases) or ("Sans taux de couverture, aucun objectif ne se chiffre.",),
        None,
        (
            "objectifs retenus par les élus, par mode d'accueil et par zone",
            "objectifs de qualité et d'information",
        ),
        amorce=bool(faites),
    )


def _cout(faites: list) -> Rubrique:
    lignes = []
    for taux, _, s in faites:
        if s.atteinte or s.sans_places:
            continue
        b = s.besoin.iloc[0]
        reste = s.reste_a_charge.set_index("section")
        lignes.append(
            {
                "Objectif": f"{MODES_COURTS[taux]}, {s.hypotheses[0].removeprefix('Cible : ').split(',')[0]}",
                "Places": places_dites(b["places"], b["bas"], b["haut"]),
                "Caf, investissement": montant(*reste.loc["investissement", ["caf_bas", "caf_haut"]]),
                "Caf, par an": montant(*reste.loc["fonctionnement", ["caf_bas", "caf_haut"]]),
                "Reste à investir": montant(*reste.loc["investissement", ["reste_bas", "reste_haut"]]),
                "Reste par an": montant(*reste.loc["fonctionnement", ["reste_bas", "reste_haut"]]),
            }
        )
    phrases = (
        ("Si toutes les places étaient créées en EAJE à PSU, avant autres financeurs.",)
        if lignes
        else ("Aucun objectif chiffré ici : aucun coût n'est calculé.",)
    )
    return Rubrique(
        "Coût",
        phrases,
        pd.DataFrame(lignes) if lignes else None,
        ("coût d'une place (création, fonctionnement), autres financeurs, budget voté",),
        amorce=bool(lignes),
    )


def _suivi(mesures: pd.DataFrame) -> Rubrique:
    ici = mesures[mesures["role"].eq("territoire")].set_index("indicateur")
    lignes = [
        {
            "Indicateur": ici.at[code, "libelle"],
            "Valeur de départ": _ecrire(ici.loc[code].to_dict()),
            "Année": str(ici.at[code, "annee"]),
            "Cible": "à compléter",
        }
        for code in _ETAT_DES_LIEUX
    ]
    return Rubrique(
        "Indicateurs de suivi",
        (_sources(mesures[mesures["indicateur"].isin(_ETAT_DES_LIEUX)]),),
        pd.DataFrame(lignes),
        ("cibles, fréquence de mesure, qui mesure",),
        amorce=True,
    )


# --- Les formes ---


def _case(valeur) -> str:
    if isinstance(valeur, float):
        return nombre(valeur, decimales=None if not valeur.is_integer() else 0)
    return str(valeur)


def en_markdown(etat: Sppe, rubriques: list[Rubrique]) -> str:
    """La trame en markdown, à reprendre dans n'importe quel traitement de texte."""
    lignes = [f"# {_titre(etat)}"]
    for r in rubriques:
        lignes += ["", f"## {r.titre}", *([""] if r.phrases else []), *(f"- {p}" for p in r.phrases)]
        if r.table is not None:
            lignes += [
                "",
                "| " + " | ".join(map(str, r.table.columns)) + " |",
                "|" + " --- |" * r.table.shape[1],
            ]
            lignes += [
                "| " + " | ".join(_case(v).replace("|", "\\|") for v in ligne) + " |"
                for ligne in r.table.itertuples(index=False)
            ]
        if r.a_completer:
            lignes += ["", *(f"**À compléter :** {a}." for a in r.a_completer)]
    return "\n".join([*lignes, ""])


def en_texte(etat: Sppe, rubriques: list[Rubrique]) -> str:
    """L'état des missions et la trame, pour un terminal."""
    lignes = [_titre(etat)]
    for r in rubriques:
        lignes += ["", r.titre.upper(), *(f"  {p}" for p in r.phrases)]
        if r.table is not None:
            lignes += [f"  {ligne}" for ligne in en_colonnes(r.table.map(_case))]
        lignes += [f"  [À compléter] {a}" for a in r.a_completer]
    return "\n".join(lignes)


def piece(etat: Sppe, rubriques: list[Rubrique]) -> Document:
    """La trame, prête à être remise en page HTML, en docx ou en pdf."""
    return en_piece(
        etat.territoire,
        [Section(r.titre, _elements(r), ancre=f"sppe-{rang}") for rang, r in enumerate(rubriques)],
        sous_titre="Service public de la petite enfance : trame du schéma pluriannuel",
        situation=etat.hypotheses[0],
    )


def _elements(r: Rubrique) -> Suite:
    titre = TITRES.get(r.titre, f"{r.titre} : le détail")
    table = () if r.table is None else (tableau(r.table.reset_index(drop=True), titre=titre),)
    return (*liste(r.phrases), *table, *(e for quoi in r.a_completer for e in a_completer(quoi)))


def bloc(etat: Sppe, rubriques: list[Rubrique]) -> Bloc:
    """La trame, affichable dans un carnet."""
    return Bloc(piece(etat, rubriques).elements)


def ecrire(
    etat: Sppe,
    sortie: str | Path,
    *,
    apports: Apports | None = None,
    declares: Mapping[str, str] | None = None,
) -> Path:
    """Écrit la trame selon l'extension : docx, à reprendre ; HTML, pdf ou markdown.

    Raises
    ------
    DemandeFausse
        Une autre extension.

    Warns
    -----
    DocxRetouche
        Le docx déjà là a été retouché : il est gardé, le nouveau prend un autre nom.
    """
    sortie = controler_sortie(sortie, formes=(*formes_des_pieces(), ".md"))
    rubriques = trame(etat, apports=apports, declares=declares)
    if sortie.suffix.lower() == ".md":
        return ecrire_atomique(sortie, en_markdown(etat, rubriques))
    return ecrire_piece(piece(etat, rubriques), sortie)


def _titre(etat: Sppe) -> str:
    return f"Service public de la petite enfance : {etat.territoire.libelle}"
