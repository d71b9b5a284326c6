"""Le kit du service public de la petite enfance : état des missions, trame du schéma pluriannuel.

La trame est remplie de ce que disent les données publiques ; ce qui revient aux élus et aux partenaires est marqué
« À compléter ». Elle sort en texte, en markdown ou en page HTML.
"""

from __future__ import annotations

import html
import math
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from cafdiag.donnees import VARIABLES, Apports
from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs import comparer, mesurer_maille
from cafdiag.indicateurs.baremes_fichier import lire_baremes
from cafdiag.indicateurs.simulation import TAUX, Simulateur
from cafdiag.indicateurs.sppe import MISSIONS, OBLIGATIONS, Sppe
from cafdiag.magasin import ecrire_atomique
from cafdiag.millesimes import millesime
from cafdiag.restitution.bloc import Bloc, phrase_html
from cafdiag.restitution.formats import decimales_de, enumeration, majuscule, nombre, pluriel, statut
from cafdiag.restitution.simulation import MODES_COURTS, conclusion, montant, places_dites
from cafdiag.restitution.tableaux import tableau
from cafdiag.territoires.objets import LIBELLES_MAILLES

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
_ROLES = {"departement": "Département", "region": "Région", "france": "France"}
COMMUNES_MONTREES = 15


@dataclass(frozen=True)
class Rubrique:
    """Un morceau de la trame : des phrases, un tableau, et ce qui reste à écrire."""

    titre: str
    phrases: tuple[str, ...] = ()
    table: pd.DataFrame | None = None
    a_completer: tuple[str, ...] = field(default=())


def trame(etat: Sppe, *, apports: Apports | None = None) -> list[Rubrique]:
    """La trame du schéma pluriannuel, rubrique par rubrique."""
    lieu = etat.territoire
    comparees = comparer(lieu, list(dict.fromkeys([*_ETAT_DES_LIEUX, "PE_TXCOUV_GLOBAL"])), apports=apports)
    simulateur = Simulateur(lieu, apports=apports, mesures=comparees)
    faites = [
        (taux, role, simulateur.vers(role, taux=taux))
        for taux in TAUX
        for role in ("departement", "france")
        if pd.notna(simulateur.references(taux)["valeur"].get(role, math.nan))
    ]
    return [
        _missions(etat),
        _accompagnement(etat),
        _etat_des_lieux(comparees),
        _zones(etat, apports),
        _objectifs(faites),
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
        moyenne = nombre(enveloppe.bas / communes.bas, decimales=0)
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
    return f"{ecrit} e" if ligne["statut"] == "estime" else ecrit


def _sources(mesures: pd.DataFrame) -> str:
    return f"Sources : {' ; '.join(dict.fromkeys(mesures['source']))}."


def _etat_des_lieux(mesures: pd.DataFrame) -> Rubrique:
    lignes = []
    for code in _ETAT_DES_LIEUX:
        siennes = mesures[mesures["indicateur"].eq(code)].set_index("role").to_dict("index")
        ici = siennes["territoire"]
        lignes.append(
            {
                "Indicateur": f"{ici['libelle']} ({ici['unite']}, {ici['annee']})",
                "Territoire": _ecrire(ici),
                **{nom: _ecrire(siennes[r]) for r, nom in _ROLES.items() if r in siennes},
            }
        )
    return Rubrique(
        "État des lieux",
        ("« e » : estimé ; « n.d. » : non disponible.", _sources(mesures)),
        pd.DataFrame(lignes),
        (
            "places par établissement, taux d'occupation, horaires, tarifs (gestionnaires)",
            "demandes non satisfaites, listes d'attente, accueil d'enfants en situation de handicap",
            "assistants maternels : âge, départs prévus, agréments non employés (PMI, relais)",
        ),
    )


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
    return Rubrique("Zones sous-dotées", tuple(phrases), montrees if len(montrees) else None, a_completer)


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
        (_sources(mesures),),
        pd.DataFrame(lignes),
        ("cibles, fréquence de mesure, qui mesure",),
    )


# --- Les formes ---


def _case(valeur) -> str:
    if isinstance(valeur, float):
        return nombre(valeur, decimales=None if not valeur.is_integer() else 0)
    return str(valeur)


def en_markdown(etat: Sppe, rubriques: list[Rubrique]) -> str:
    """La trame en markdown, à reprendre dans n'importe quel traitement de texte."""
    lignes = [f"# {_titre(etat)}", ""]
    for r in rubriques:
        lignes += [f"## {r.titre}", "", *(f"- {p}" for p in r.phrases)]
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
        lignes.append("")
    return "\n".join(lignes)


def en_texte(etat: Sppe, rubriques: list[Rubrique]) -> str:
    """L'état des missions et la trame, pour un terminal."""
    lignes = [_titre(etat)]
    for r in rubriques:
        lignes += ["", r.titre.upper(), *(f"  {p}" for p in r.phrases)]
        if r.table is not None:
            ecrite = r.table.map(_case).to_string(index=False, max_colwidth=90)
            lignes += [f"  {ligne}" for ligne in ecrite.splitlines()]
        lignes += [f"  [À compléter] {a}" for a in r.a_completer]
    return "\n".join(lignes)


def bloc(etat: Sppe, rubriques: list[Rubrique]) -> Bloc:
    """La trame, affichable dans un carnet."""
    morceaux = []
    for rang, r in enumerate(rubriques):
        phrases = "".join(f"<li>{phrase_html(p)}</li>" for p in r.phrases)
        corps = f"<ul>{phrases}</ul>" if phrases else ""
        if r.table is not None:
            corps += str(tableau(r.table.reset_index(drop=True), titre=f"{r.titre} : le détail"))
        corps += "".join(
            f'<div class="parole"><p><strong>À compléter.</strong> {phrase_html(majuscule(a))}.</p></div>'
            for a in r.a_completer
        )
        morceaux.append(f'<section id="sppe-{rang}"><h2>{phrase_html(r.titre)}</h2>{corps}</section>')
    return Bloc("".join(morceaux))


def en_html(etat: Sppe, rubriques: list[Rubrique]) -> str:
    """La trame en page HTML autonome, lisible sans réseau."""
    from cafdiag.restitution.produire import rendre_page

    lieu = etat.territoire
    garde = {
        "titre": lieu.nom,
        "sous_titre": "Service public de la petite enfance : trame du schéma pluriannuel",
        "situation": html.unescape(etat.hypotheses[0]),
        "maille": f"{LIBELLES_MAILLES[lieu.maille]} {lieu.code}",
        "avertissements": list(lieu.avertissements),
        "sommaire": [{"ancre": f"sppe-{i}", "titre": r.titre} for i, r in enumerate(rubriques)],
    }
    return rendre_page(garde=garde, corps=bloc(etat, rubriques).html, scripts=[])


def ecrire(etat: Sppe, sortie: str | Path, *, apports: Apports | None = None) -> Path:
    """Écrit la trame, en markdown ou en page HTML selon l'extension.

    Raises
    ------
    DemandeFausse
        Une autre extension.
    """
    sortie = Path(sortie)
    formes = {".md": en_markdown, ".html": en_html}
    if sortie.suffix.lower() not in formes:
        raise DemandeFausse(f"trame : « {sortie.name} »", attendu="un nom en .md ou en .html")
    return ecrire_atomique(sortie, formes[sortie.suffix.lower()](etat, trame(etat, apports=apports)))


def _titre(etat: Sppe) -> str:
    return f"Service public de la petite enfance : {etat.territoire.libelle}"
