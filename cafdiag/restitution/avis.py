"""La fiche d'avis préalable : ce qu'un projet de places changerait, en deux pages, au terminal ou en docx."""

from __future__ import annotations

import math

import pandas as pd

from cafdiag.donnees import Apports
from cafdiag.indicateurs import mesurer_maille
from cafdiag.indicateurs.avis import Avis
from cafdiag.indicateurs.besoin import MODES_CREES
from cafdiag.indicateurs.simulation import INCHANGES
from cafdiag.restitution.document import Document, Encadre, Section, Suite, a_completer, liste, paragraphes
from cafdiag.restitution.formats import decimales_de, majuscule, minuscule, nombre, pluriel, statut
from cafdiag.restitution.graphiques import barres_comparaison
from cafdiag.restitution.piece import en_colonnes
from cafdiag.restitution.piece import piece as en_piece
from cafdiag.restitution.simulation import MODES_COURTS, SECTIONS, montant, places_dites, sans_fichier
from cafdiag.restitution.tableaux import tableau

UNITE = "places pour 100 enfants"
# Avec plus de voisines, la fiche prendrait une troisième page.
AUTOUR = 5
VOISINS = (
    "Le taux d'un voisin ne change pas : il ne compte que les places ouvertes chez lui. Ses familles peuvent pourtant "
    "en profiter ; c'est le taux de l'ensemble formé avec lui qui monte."
)
PAS_L_AVIS = (
    "Cette fiche ne rend pas l'avis : elle donne de quoi le motiver. Le besoin local, les projets voisins et la "
    "qualité du projet s'y ajoutent."
)


def _un(valeur: float, bas: float, haut: float, *, signe: bool = False) -> str:
    """« 82,3 (81,9 à 82,8) » ; l'arrondi publié à 0,1 ne fait pas un intervalle."""
    if math.isnan(valeur):
        return "n.d."
    ecrit = nombre(valeur, decimales=1, signe=signe)
    a, b = nombre(bas, decimales=1, signe=signe), nombre(haut, decimales=1, signe=signe)
    return ecrit if haut - bas < 0.11 or a == b else f"{ecrit} ({a} à {b})"


def _avant(ligne: pd.Series) -> str:
    """Le taux d'avant le projet, ses bornes, et le signe de son statut s'il n'est pas publié tel quel."""
    signe = "" if math.isnan(ligne["avant"]) else statut(ligne["avant_statut"]).symbole
    return f"{_un(ligne['avant'], ligne['avant_bas'], ligne['avant_haut'])} {signe}".strip()


def _date(avis: Avis) -> str:
    """« Fin 2023 » : la date de tous les taux ; sinon, le dernier publié de chacun."""
    annees = avis.effets.loc[avis.effets["avant"].notna(), "annee"].unique()
    return f"Fin {annees[0]:.0f}" if len(annees) == 1 else "Dernier taux connu"


def _bornes(ligne: pd.Series) -> dict[str, float]:
    return {"bas": ligne["avant_bas"], "haut": ligne["avant_haut"]}


def _lieu(avis: Avis, ligne: pd.Series) -> str:
    if ligne["role"] == "ensemble":
        return f"{avis.lignes('epci')['nom'].iloc[0]} et ses {len(avis.lignes('voisin'))} voisins"
    return ligne["nom"]


def _tableau_des_effets(avis: Avis) -> pd.DataFrame:
    """Une ligne par lieu : le gain, le même pour les deux taux, et chaque taux avant et après."""
    lignes: dict[str, dict[str, str]] = {}
    for taux, mode in zip(MODES_COURTS, ("tous modes", "EAJE"), strict=True):
        for role in ("projet", "epci", "ensemble", "departement"):
            for _, e in avis.lignes(role, taux).iterrows():
                signe = statut(e["statut"]).symbole if not math.isnan(e["apres"]) else ""
                gain = _un(e["gain"], e["gain_bas"], e["gain_haut"], signe=True)
                ligne = lignes.setdefault(e["code"], {"Lieu": _lieu(avis, e), "Gain": gain})
                if ligne["Gain"] != gain:
                    ligne["Gain"] = f"{ligne['Gain']} ; {mode} : {gain}"
                ligne[f"{_date(avis)}, {mode}"] = _avant(e)
                ligne[f"Avec le projet, {mode}"] = f"{_un(e['apres'], e['apres_bas'], e['apres_haut'])} {signe}".strip()
    return pd.DataFrame(lignes.values())


def _tableau_des_voisins(avis: Avis) -> pd.DataFrame:
    global_, eaje = (avis.effets[avis.effets["taux"].eq(t)] for t in MODES_COURTS)
    lignes = []
    for role in ("epci", "voisin"):
        collectifs = eaje[eaje["role"].eq(role)].set_index("code")
        for _, g in global_[global_["role"].eq(role)].iterrows():
            c = collectifs.loc[g["code"]]
            lignes.append(
                {
                    "Lieu": g["nom"],
                    "Tous modes": _avant(g),
                    "EAJE": _avant(c),
                    "Places qui manquent, tous modes": places_dites(g["manque"], g["manque_bas"], g["manque_haut"]),
                    "Places qui manquent, EAJE": places_dites(c["manque"], c["manque_bas"], c["manque_haut"]),
                }
            )
    return pd.DataFrame(lignes)


def _autour(avis: Avis, apports: Apports | None) -> pd.DataFrame:
    """La commune et celles qui la touchent, les plus peuplées d'enfants : ce qu'on en sait."""
    if avis.lieu.maille != "commune":
        return pd.DataFrame()
    communes = [avis.lieu, *avis.lieu.voisins]
    codes = ["PE_ENF_M3", "PE_NB_EAJE", "PE_NB_MICRO"]
    mesures = mesurer_maille("commune", codes, codes=[c.code for c in communes], apports=apports)
    par_case = {(m["territoire"], m["indicateur"]): m for m in mesures.to_dict("records")}

    def case(commune: str, code: str) -> str:
        mesure = par_case.get((commune, code))
        if mesure is None or pd.isna(mesure["valeur"]):
            return "n.d."
        signe = statut(mesure["statut"]).symbole
        return f"{nombre(mesure['valeur'], decimales=decimales_de(mesure['unite']))} {signe}".strip()

    poids = {m["territoire"]: -m["valeur"] for m in mesures.to_dict("records") if m["indicateur"] == codes[0]}
    autres = sorted(communes[1:], key=lambda c: (pd.isna(poids.get(c.code)), poids.get(c.code)))
    table = pd.DataFrame(
        [
            {
                "Commune": c.nom,
                "Enfants de moins de 3 ans": case(c.code, codes[0]),
                "Établissements": case(c.code, codes[1]),
                "Micro-crèches": case(c.code, codes[2]),
            }
            for c in [avis.lieu, *autres[:AUTOUR]]
        ]
    )
    # Une colonne de « n.d. » n'apprend rien.
    return table.loc[:, table.ne("n.d.").any()]


def phrases(avis: Avis) -> list[str]:
    """Ce que le projet change, en phrases : le lieu, son EPCI, l'ensemble, les voisins."""
    dites = []
    for role in ("projet", "epci"):
        for taux, mode in MODES_COURTS.items():
            for _, e in avis.lignes(role, taux).iterrows():
                if math.isnan(e["gain"]):
                    dites.append(f"{e['nom']} : l'effet ne se calcule pas ({e['motif']}).")
                elif math.isnan(e["avant"]):
                    if taux == "eaje":
                        continue
                    gain = _un(e["gain"], e["gain_bas"], e["gain_haut"])
                    mot = "place" if e["gain"] < 2 and "(" not in gain else "places"
                    dites.append(
                        f"{e['nom']} : {gain} {mot} de plus pour 100 enfants de moins de 3 ans ; le taux lui-même "
                        f"n'est pas connu ({e['motif']})."
                    )
                else:
                    entre = f", entre {nombre(e['apres_bas'], decimales=1)} et {nombre(e['apres_haut'], decimales=1)}"
                    depart = "d'environ " if e["avant_statut"] == "estime" else "de "
                    dites.append(
                        f"{e['nom']}, {minuscule(mode)} : {depart}{nombre(e['avant'], decimales=1)} places pour "
                        f"100 enfants en {e['annee']:.0f} à environ {nombre(e['apres'], decimales=1)}{entre}."
                    )
    ensemble = avis.lignes("ensemble", "eaje")
    if len(ensemble):
        e = ensemble.iloc[0]
        dites.append(
            f"{_lieu(avis, e)} : {_un(e['gain'], e['gain_bas'], e['gain_haut'], signe=True)} place pour 100 enfants de "
            "l'ensemble."
        )
    if len(avis.lignes("voisin")):
        dites.append(VOISINS)
    return dites


def _notes(avis: Avis) -> list[str]:
    # Ceux du projet et de son EPCI sont dits par leurs phrases.
    muets = avis.effets[avis.effets["motif"].ne("") & ~avis.effets["role"].isin(["projet", "epci"])]
    motifs = dict.fromkeys(f"{e['nom']} : {e['motif']}" for _, e in muets.iterrows())
    return [
        INCHANGES,
        "Entre parenthèses, l'intervalle où se trouve la valeur : l'arrondi du taux publié, et l'incertitude du nombre "
        "d'enfants. « e » : estimé ; « n.d. » : non disponible.",
        *(f"{m}." for m in motifs),
        # Le reste à charge n'est pas montré ici : ce qui manque pour le compter n'a pas à l'être.
        *(f"{majuscule(i)}." for i in avis.inconnues if not i.startswith(("Reste à charge", "PSU"))),
        f"Sources : {' ; '.join(avis.sources)} ; Insee, base permanente des équipements.",
    ]


def _apports_de_la_caf(avis: Avis) -> list[str]:
    return [
        f"{SECTIONS[f['section']]} : {f['poste']}, {montant(f['bas'], f['haut'])} ({f['source']}, {f['periode']})."
        for _, f in avis.financement.iterrows()
        if not (math.isnan(f["bas"]) and math.isnan(f["haut"]))
    ]


def _projet(avis: Avis) -> str:
    return f"{majuscule(pluriel(avis.places, 'place'))} en {MODES_CREES[avis.mode]}, à {avis.lieu.libelle}"


def en_texte(avis: Avis) -> str:
    """La fiche pour un terminal."""
    blocs: list[tuple[str, list[str]]] = [
        (f"Avis préalable. {_projet(avis)}", phrases(avis)),
        ("Ce que le projet changerait", en_colonnes(_tableau_des_effets(avis))),
    ]
    if len(avis.lignes("epci")):
        blocs.append((f"{_date(avis)}, ici et alentour", en_colonnes(_tableau_des_voisins(avis))))
    blocs.append(("Ce que la Caf apporte à ces places", _apports_de_la_caf(avis) or ["Inconnu."]))
    blocs.append(("À lire avec ces chiffres", [sans_fichier(n) for n in _notes(avis)]))
    lignes: list[str] = []
    for titre, dites in blocs:
        lignes += [titre, *(f"  {d}" for d in dites), ""]
    return "\n".join([*lignes, PAS_L_AVIS])


def _avec_et_sans(e: pd.Series) -> str:
    """« de 9,6 à environ 12,0 places avec le projet » : ce que conclut le dessin."""
    avant, apres = (nombre(e[c], decimales=1) for c in ("avant", "apres"))
    if avant == apres:
        return f"{avant} places avec ou sans le projet"
    return f"de {avant} à environ {apres} places avec le projet"


def _graphique(avis: Avis) -> Suite:
    """Le taux en accueil collectif de l'EPCI, avant et après, à côté du département."""
    epci, departement = avis.lignes("epci", "eaje"), avis.lignes("departement", "eaje")
    if epci.empty or math.isnan(epci.iloc[0]["apres"]):
        return ()
    e = epci.iloc[0]
    commun = {"unite": UNITE, "source": "", "annee": e["annee"], "maille": "epci"}
    barres = [
        commun | {"territoire": "avant", "nom": _date(avis), "valeur": e["avant"], "statut": e["avant_statut"]}
        | (_bornes(e) if e["avant_statut"] == "estime" else {}),
        commun
        | {"territoire": "apres", "nom": "Avec le projet", "valeur": e["apres"], "bas": e["apres_bas"],
           "haut": e["apres_haut"], "statut": e["statut"]},
    ]  # fmt: skip
    if len(departement) and not math.isnan(departement.iloc[0]["avant"]):
        d = departement.iloc[0]
        barres.append(
            commun | {"territoire": d["code"], "nom": d["nom"], "maille": "departement", "valeur": d["avant"],
                      "annee": d["annee"], "statut": d["avant_statut"]}
        )  # fmt: skip
    dessin = barres_comparaison(
        pd.DataFrame(barres),
        territoire="apres",
        titre=f"{e['nom']}, accueil collectif : {_avec_et_sans(e)}",
        source=avis.sources[0] if avis.sources else "",
    )
    return (dessin,)


def piece(avis: Avis, *, apports: Apports | None = None) -> Document:
    """La fiche, prête à être remise."""
    effet = tableau(_tableau_des_effets(avis), titre=f"Effet de {pluriel(avis.places, 'place')}", precision=UNITE)
    autour = _autour(avis, apports)
    besoin: Suite = ()
    if len(autour):
        toutes, voisines = len(avis.lieu.voisins), "celles qui la touchent"
        if toutes > AUTOUR:
            voisines = f"{AUTOUR} des {toutes} qui la touchent, celles qui ont le plus d'enfants"
        besoin += (tableau(autour, titre=f"La commune et {voisines}", surligner=0),)
    if len(avis.lignes("epci")):
        voisins = tableau(
            _tableau_des_voisins(avis),
            titre=f"{_date(avis)}, ici et alentour",
            precision="places pour 100 enfants ; places qui manquent pour rejoindre leur département",
            surligner=0,
        )
        besoin += (voisins,)
    besoin += a_completer("demandes sans solution, listes d'attente, autres projets connus, fermetures prévues")
    caf = liste(_apports_de_la_caf(avis)) or paragraphes("Aucun montant n'est connu.")
    notes = Encadre("note", liste([sans_fichier(n) for n in _notes(avis)]), resume="À lire avec ces chiffres")
    motifs = (*paragraphes(PAS_L_AVIS), *a_completer("sens de l'avis, motifs, réserves"), notes)
    return en_piece(
        avis.lieu,
        [
            Section("Ce que le projet changerait", (*liste(phrases(avis)), effet, *_graphique(avis)), ancre="effet"),
            # Courte, cette section finit la première page : la fiche en a deux.
            Section("Ce que la Caf apporte à ces places", caf, ancre="caf"),
            Section("Le besoin local", besoin, ancre="besoin"),
            Section("L'avis", motifs, ancre="avis"),
        ],
        titre=f"{avis.lieu.nom} : {pluriel(avis.places, 'place')}",
        sous_titre="Avis préalable sur un projet d'accueil du jeune enfant",
        situation=f"{_projet(avis)}.",
    )
