"""Montrer une simulation : le texte d'un terminal, la section du rapport, les mesures à joindre."""

from __future__ import annotations

import math
import re

import pandas as pd

from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs.baremes import lire_baremes
from cafdiag.indicateurs.departs import Departs
from cafdiag.indicateurs.dictionnaire import dictionnaire
from cafdiag.indicateurs.mesures import COLONNES
from cafdiag.indicateurs.simulation import TAUX, Simulateur
from cafdiag.indicateurs.simulation_objets import Hypotheses, Simulation
from cafdiag.restitution.accords import accorder
from cafdiag.restitution.bloc import Donnees
from cafdiag.restitution.document import Section, Suite, liste, paragraphe, paragraphes, titre
from cafdiag.restitution.formats import FINE, INSECABLE, majuscule, nombre
from cafdiag.restitution.lecture import accord
from cafdiag.restitution.tableaux import depliant, en_deux_colonnes, tableau

SECTIONS = {"investissement": "Investissement, une fois", "fonctionnement": "Fonctionnement, par an"}
MODES_COURTS = {"global": "Tous modes d'accueil", "eaje": "Accueil collectif (EAJE)"}
# Ce qu'on montre par place nouvelle, avec son unité en clair.
_PAR_PLACE = (
    ("piaje", "par place, une fois"),
    ("bonus_territoire_places_nouvelles", "par place et par an"),
)


def montant(bas: float, haut: float) -> str:
    """« 127 400 à 176 400 € », « au moins… », « au plus… » ou « inconnu ».

    >>> montant(127400.0, 176400.0).replace(FINE, " ").replace(INSECABLE, " ")
    '127 400 à 176 400 €'
    >>> montant(float("nan"), float("nan")), montant(10.0, float("nan")).replace(INSECABLE, " ")
    ('inconnu', 'au moins 10 €')
    """
    connus = [nombre(x, decimales=0) for x in (bas, haut) if not math.isnan(x)]
    if not connus:
        return "inconnu"
    if len(connus) == 1:
        return f"{'au plus' if math.isnan(bas) else 'au moins'} {connus[0]}{INSECABLE}€"
    return f"{' à '.join(dict.fromkeys(connus))}{INSECABLE}€"


def places_dites(valeur: float, bas: float, haut: float) -> str:
    """« 49 (43 à 54) » ; « n.d. » si rien n'est connu.

    >>> places_dites(49.0, 43.0, 54.0)
    '49 (43 à 54)'
    """
    if math.isnan(valeur):
        return "n.d."
    ecrit = nombre(valeur, decimales=0)
    if math.isnan(bas) or math.isnan(haut) or bas == haut:
        return ecrit
    return f"{ecrit} ({nombre(bas, decimales=0)} à {nombre(haut, decimales=0)})"


def _places(taux: float) -> str:
    return f"{nombre(taux, decimales=1)} {accorder(taux, 'places')}"


def _origine(besoin: pd.Series) -> str:
    return besoin["source_taux"] if besoin["source_taux"].startswith("calculé") else f"décembre {besoin['annee']:.0f}"


def conclusion(simulation: Simulation) -> str:
    """La phrase qui répond : combien de places, ou pourquoi on ne peut pas le dire."""
    b = simulation.besoin.iloc[0]
    if math.isnan(b["taux"]):
        return f"Le besoin ne se calcule pas : {b['motif']}."
    if simulation.sans_places:
        manque = _places(-b["ecart"])
        return (
            f"Il manque {manque} pour 100 enfants ; combien de places en tout ne se calcule pas ici "
            f"({b['motif']})."
        )
    if simulation.atteinte:
        return "La cible est déjà atteinte : aucune place à créer pour elle."
    fourchette = ""
    if not math.isnan(b["bas"]) and b["bas"] < b["haut"]:
        fourchette = f" (de {nombre(b['bas'], decimales=0)} à {nombre(b['haut'], decimales=0)})"
    return f"Il faudrait {accord(b['places'], 'place')} de plus{fourchette}."


def simulation_en_texte(simulation: Simulation, *, departs: Departs | None = None) -> str:
    """Une simulation en texte, pour être lue telle quelle."""
    b = simulation.besoin.iloc[0]
    nom_taux = majuscule(TAUX[simulation.taux][2])
    ici = _places(b["taux"])
    lignes = [
        simulation.territoire.libelle,
        f"{nom_taux} : {ici} pour 100 enfants de moins de 3 ans ({_origine(b)})",
        simulation.hypotheses[0].removesuffix("."),
        conclusion(simulation),
    ]
    if not (simulation.atteinte or simulation.sans_places):
        lignes += ["", "Places à créer"]
        lignes += [
            f"  {m['libelle']} : {places_dites(m['places'], m['bas'], m['haut'])}"
            for _, m in simulation.modes.iterrows()
        ]
        for section, titre in SECTIONS.items():
            postes = simulation.financement[simulation.financement["section"].eq(section)]
            reste = simulation.reste_a_charge.set_index("section").loc[section]
            lignes += ["", titre]
            lignes += [f"  {p['poste']} : {montant(p['bas'], p['haut'])}" for _, p in postes.iterrows()]
            lignes += [
                f"  Total de la Caf : {montant(reste['caf_bas'], reste['caf_haut'])}",
                f"  Reste à charge, avant autres financeurs : {montant(reste['reste_bas'], reste['reste_haut'])}",
            ]
    if simulation.sans_places:
        if math.isnan(b["enfants"]):
            lignes += ["Donnez le nombre d'enfants de moins de 3 ans avec --enfants, s'il vous est connu."]
        elif math.isnan(b["taux"]):
            lignes += ["Donnez le nombre de places existantes avec --places : le taux s'en déduira."]
        lignes += ["", "Ce que la Caf apporte à une place nouvelle"]
        lignes += [
            f"  {f['poste']} : {montant(f['bareme_bas'], f['bareme_haut']).replace('€', f['unite'])}"
            for _, f in simulation.financement.iterrows()
            if f["unite"].startswith("€")
        ]
    blocs = {
        "Hypothèses": simulation.hypotheses[1:] if not simulation.atteinte else (),
        "Ce qu'on ne sait pas": simulation.inconnues if not simulation.atteinte else (),
        "Sources": [*simulation.sources, *_sources_des_baremes(simulation)],
    }
    for titre, phrases in blocs.items():
        lignes += ["", titre, *(f"  - {p}" for p in phrases)] if phrases else []
    if departs is not None:
        lignes += ["", *_departs_en_texte(departs)]
    return "\n".join(lignes)


def elements(simulation: Simulation) -> Suite:
    """Une simulation à lire dans un carnet : la réponse, ce que la Caf apporte, ce qu'on suppose et ce qu'on ignore."""
    corps = paragraphe(f"{conclusion(simulation)} {majuscule(simulation.cible)}.")
    if not (simulation.atteinte or simulation.sans_places):
        corps += (
            tableau(
                pd.DataFrame(
                    {
                        "mode": simulation.modes["libelle"].map(majuscule),
                        "places": [places_dites(*m) for m in simulation.modes[["places", "bas", "haut"]].to_numpy()],
                    }
                ),
                titre="Places à créer",
                colonnes={"mode": "Mode d'accueil", "places": "Places"},
            ),
            tableau(
                pd.DataFrame(_montants(simulation), columns=["poste", "montant"]),
                titre="Ce que la Caf apporterait, ce qui resterait à charge",
                colonnes={"poste": "Poste", "montant": "Montant"},
            ),
        )
    notes = en_deux_colonnes([sans_fichier(h) for h in simulation.hypotheses], sinon="Hypothèse")
    if not simulation.atteinte:
        notes += en_deux_colonnes(list(simulation.inconnues), sinon="Ce qu'on ne sait pas")
    # Un montant a sa source et sa période, comme le taux.
    sources = [*simulation.sources, *_sources_des_baremes(simulation)]
    return (
        *corps,
        *depliant("Hypothèses et inconnues", notes, colonnes=("Sujet", "Ce qui est supposé, ou pas su")),
        *paragraphe(f"Sources : {' ; '.join(sources)}.", allure="source"),
    )


def _montants(simulation: Simulation) -> list[tuple[str, str]]:
    lignes = []
    for section, quand in SECTIONS.items():
        postes = simulation.financement[simulation.financement["section"].eq(section)]
        reste = simulation.reste_a_charge.set_index("section").loc[section]
        lignes += [(f"{quand} : {p['poste']}", montant(p["bas"], p["haut"])) for _, p in postes.iterrows()]
        lignes += [
            (f"{quand} : total de la Caf", montant(reste["caf_bas"], reste["caf_haut"])),
            (f"{quand} : reste à charge, avant autres financeurs", montant(reste["reste_bas"], reste["reste_haut"])),
        ]
    return lignes


def _departs_en_texte(departs: Departs) -> list[str]:
    r = departs.resultat.iloc[0]
    lignes = ["Départs d'assistants maternels : une épreuve, pas une prévision"]
    if math.isnan(r["taux_projete"]):
        return [*lignes, f"  Ne se calcule pas : {r['motif']}."]
    lignes.append(
        f"  Le taux passerait de {nombre(r['taux'], decimales=1)} à {nombre(r['taux_projete'], decimales=1)}."
    )
    compenser = places_dites(r["places"], r["bas"], r["haut"])
    if compenser == "n.d.":
        compenser = f"n.d. : nombre d'enfants de moins de 3 ans inconnu ({r['motif']})"
    return [
        *lignes,
        f"  Places collectives à compenser : {compenser}",
        *(f"  - {h}" for h in departs.hypotheses),
    ]


def _sources_des_baremes(simulation: Simulation) -> list[str]:
    if simulation.atteinte:
        return []
    connus = simulation.financement[simulation.financement["bareme_bas"].notna()]
    return list(
        dict.fromkeys(
            f"{f['poste']} ({f['periode']}) : {f['source']}" for _, f in connus.iterrows() if f["source"]
        )
    )


# --- La section du rapport ---


def simulations(donnees: Donnees, mesures: pd.DataFrame) -> list[tuple[str, Simulation]]:
    """Les simulations du rapport : département et France, tous modes puis collectif ; (rôle, simulation)."""
    if donnees.territoire.maille in ("france", "qpv"):
        return []
    simulateur = Simulateur(
        donnees.territoire,
        hypotheses=Hypotheses(annee=donnees.annee),
        apports=donnees.apports,
        mesures=mesures,
    )
    faites = []
    for taux in TAUX:
        connus = simulateur.references(taux)["valeur"].dropna().index
        faites += [
            (role, simulateur.vers(role, taux=taux))
            for role in ("departement", "france")
            if role in connus and "territoire" in connus
        ]
    return faites


def section(donnees: Donnees, faites: list[tuple[str, Simulation]]) -> Suite:
    """La section « Simulation » du rapport."""
    entier, corps = "Simulation : rejoindre une référence", _corps(donnees, faites)
    return (Section(entier, corps, ancre="simulation", court="Simulation", genre="chapitre"),)


def _corps(donnees: Donnees, faites: list[tuple[str, Simulation]]) -> Suite:
    if not faites:
        return paragraphe(_rien(donnees), allure="note")
    corps = paragraphes(*_phrases(donnees, faites))
    if all(s.atteinte for _, s in faites):
        return corps
    comptees = [(role, s) for role, s in faites if not (s.atteinte or s.sans_places)]
    if not comptees:
        return corps + _bareme_par_place() + _notes(faites)
    rendu = tableau(
        pd.DataFrame([_ligne(donnees, role, s) for role, s in comptees]),
        titre="Places à créer pour rejoindre une référence, si c'étaient des places de crèche à PSU",
        precision="Entre parenthèses, la fourchette due au nombre d'enfants et à la précision des taux. Une borne "
        "inconnue se dit « au moins ».",
        colonnes={
            "reference": "Référence",
            "places": "Places à créer",
            "caf": "Aide de la Caf à l'investissement",
            "caf_an": "Bonus territoire, par an",
            "reste": "Reste à investir, avant autres financeurs",
        },
    )
    return (*corps, rendu, *_bareme_par_place(), *_notes(faites))


def _rien(donnees: Donnees) -> str:
    maille = donnees.territoire.maille
    if maille == "france":
        return "La France est la référence : il n'y a pas de cible à rejoindre."
    if maille == "qpv":
        return (
            "Les taux de couverture sont publiés à la commune ou à l'EPCI, pas au quartier : rien à simuler."
        )
    motif = donnees.lecture.ligne("PE_TXCOUV_GLOBAL").get("motif") or "le taux de couverture n'est pas connu"
    return f"Rien à simuler : {motif}."


def _nom(donnees: Donnees, role: str) -> str:
    return donnees.lecture.noms[role]


def _phrases(donnees: Donnees, faites: list[tuple[str, Simulation]]) -> list[str]:
    """Une phrase par taux : où est le territoire, ce qui est rejoint, ce qu'il manque."""
    phrases = []
    for taux, nom in MODES_COURTS.items():
        siennes = [(r, s) for r, s in faites if s.taux == taux]
        if not siennes:
            continue
        b = siennes[0][1].besoin.iloc[0]
        lecture, code = donnees.lecture, TAUX[taux][0]
        ici = f"{'environ ' if b['statut_taux'] == 'estime' else ''}{_places(b['taux'])}"
        entre = lecture.entre(code) if lecture.estime(code) else ""
        phrase = f"{nom} : {ici} pour 100 enfants de moins de 3 ans en {b['annee']:.0f}{entre}"
        rejointes = [(r, s) for r, s in siennes if s.atteinte]
        if rejointes:
            dites = " et ".join(
                f"{'au niveau' if s.besoin.at[0, 'ecart'] == 0 else 'au-dessus'} de {_reference(donnees, r, s)}"
                for r, s in rejointes
            )
            dites = dites.replace("de le ", "du ").replace("de les ", "des ")
            les = "cette référence" if len(rejointes) == 1 else "ces références"
            dites = dites.replace(" et au-dessus de ", " et de ").replace(" et au-dessus du ", " et du ")
            phrase += f", {dites} : aucune place à créer pour rejoindre {les}"
        phrase += "."
        for role, s in siennes:
            if not s.atteinte:
                phrase += f" Pour rejoindre {_reference(donnees, role, s)}, {_minuscule(conclusion(s))}"
        phrases.append(phrase)
    return phrases


def _reference(donnees: Donnees, role: str, s: Simulation) -> str:
    return f"{_nom(donnees, role)} ({nombre(s.besoin.at[0, 'taux_cible'], decimales=1)})"


def _minuscule(texte: str) -> str:
    return texte[:1].lower() + texte[1:]


def _ligne(donnees: Donnees, role: str, s: Simulation) -> dict[str, str]:
    b = s.besoin.iloc[0]
    reference = f"{MODES_COURTS[s.taux]}, {_nom(donnees, role)}"
    postes = s.financement.set_index("bareme")
    reste = s.reste_a_charge.set_index("section").loc["investissement"]
    bonus = postes.loc["bonus_territoire_places_nouvelles"]
    return {
        "reference": reference,
        "places": places_dites(b["places"], b["bas"], b["haut"]),
        "caf": montant(reste["caf_bas"], reste["caf_haut"]),
        "caf_an": montant(bonus["bas"], bonus["haut"]),
        "reste": montant(reste["reste_bas"], reste["reste_haut"]),
    }


def lignes_des_financements(donnees: Donnees, faites: list[tuple[str, Simulation]]) -> list[dict[str, str]]:
    """Les lignes du tableau des places à créer, avec l'indicateur du taux simulé (``code``) ; pour les fiches."""
    return [
        _ligne(donnees, role, s) | {"code": TAUX[s.taux][0]}
        for role, s in faites
        if not (s.atteinte or s.sans_places)
    ]


def _bareme_par_place() -> Suite:
    baremes = lire_baremes()
    lignes, sources = [], []
    for code, quoi in _PAR_PLACE:
        choix = baremes.choisir(code)
        ecrit = f"{montant(*choix.bornes)} {quoi}" if choix.connu else f"inconnu ({choix.motif})"
        precision = " ; ".join(dict.fromkeys(b.remarque for b in choix.retenus if b.remarque))
        ecrit += f" ({precision})" if choix.connu and precision else ""
        lignes.append(f"{choix.libelle} : {ecrit}")
        sources.append(f"{choix.source} ({choix.periode})")
    psu = baremes.choisir("psu_part_moyenne")
    if psu.connu:
        lignes.append(
            f"PSU : en moyenne {nombre(psu.bas, decimales=0)}{FINE}% du coût d'une place ; le coût d'une place du "
            "territoire n'étant pas connu, le reste à charge de fonctionnement n'est pas chiffré"
        )
        sources.append(f"{psu.source} ({psu.periode})")
    dites = " ; ".join(dict.fromkeys(sources))
    return (
        *titre("Ce que la Caf apporte à une place nouvelle"),
        *liste([f"{ligne}." for ligne in lignes]),
        *paragraphe(f"Barèmes à confirmer : {dites}.", allure="source"),
    )


def sans_fichier(texte: str) -> str:
    """Une phrase sans le fichier où on la lit : le lecteur d'un document ne l'a pas.

    >>> sans_fichier("Barèmes connus au 22/11/2026 (baremes.toml).")
    'Barèmes connus au 22/11/2026.'
    """
    return re.sub(r" \([^()]*\.toml\)", "", texte)


def _notes(faites: list[tuple[str, Simulation]]) -> Suite:
    ouvertes = [s for _, s in faites if not s.atteinte]
    if not ouvertes:
        return ()
    # La cible est dans le tableau : on ne garde que ce qui est supposé pour toutes.
    hypotheses = dict.fromkeys(h for s in ouvertes for h in s.hypotheses[1:])
    inconnues = dict.fromkeys(i for s in ouvertes for i in s.inconnues)
    lignes = [
        ligne
        for nom, phrases in (("Hypothèse", hypotheses), ("Ce qu'on ne sait pas", inconnues))
        for ligne in en_deux_colonnes([sans_fichier(p) for p in phrases], sinon=nom)
    ]
    intitule = "Hypothèses de cette simulation, et ce qu'on ne sait pas"
    return depliant(intitule, lignes, colonnes=("Sujet", "Ce qui est supposé, ou inconnu"))


def mesures_des_simulations(faites: list[tuple[str, Simulation]]) -> pd.DataFrame:
    """Les besoins et les montants montrés, en Mesures : une fourchette sans valeur garde ses seules bornes."""
    lignes = []
    for _, s in faites:
        b = s.besoin.iloc[0]
        commun = {
            "territoire": s.territoire.code,
            "nom": s.territoire.nom,
            "maille": s.territoire.maille,
            "annee": b["annee"],
            "modalite": "",
            "maille_source": s.territoire.maille,
            "millesime": f"décembre {b['annee']:.0f}",
        }
        lignes.append(
            commun
            | {
                "indicateur": "PE_BESOIN_CIBLE",
                "libelle": f"Places manquantes : {s.cible}",
                "valeur": b["places"],
                "unite": "places",
                "denominateur": b["enfants"],
                "bas": b["bas"],
                "haut": b["haut"],
                "statut": b["statut"],
                "motif": b["motif"],
                "source": dictionnaire().at["PE_BESOIN_CIBLE", "source"],
            }
        )
        if s.atteinte or s.sans_places:
            continue
        lignes += [
            commun
            | {
                "indicateur": f"SIMULATION_{f['bareme'].upper()}",
                "libelle": f"{f['poste']}, {SECTIONS[f['section']].lower()} : {s.cible}",
                "unite": "euros",
                "bas": f["bas"],
                "haut": f["haut"],
                "statut": "non_disponible",
                "motif": f["motif"] or "une fourchette, pas une valeur",
                "source": f["source"],
                "millesime": f["periode"],
            }
            for _, f in s.financement.iterrows()
        ]
    return pd.DataFrame(lignes, columns=COLONNES).assign(role="simulation")


def lire_modes_ecrits(ecrits: list[str]) -> dict[str, str] | None:
    """« eaje_psu=70 » → ``{"eaje_psu": "70"}`` ; None si rien n'est demandé.

    >>> lire_modes_ecrits(["eaje_psu=70", "am=30"])
    {'eaje_psu': '70', 'am': '30'}
    """
    faux = [e for e in ecrits if e.count("=") != 1]
    if faux:
        raise DemandeFausse(f"mode : « {faux[0]} »", attendu="MODE=PART, comme eaje_psu=70")
    return dict(e.split("=") for e in ecrits) or None
