"""Montrer le besoin non couvert : le texte d'un terminal, la section du rapport, la phrase de la note, la carte."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs.mesures import COLONNES
from cafdiag.indicateurs.non_couvert import PUBLICS, Besoin, besoin
from cafdiag.restitution.bloc import Donnees, phrase_html
from cafdiag.restitution.formats import majuscule, nombre
from cafdiag.restitution.simulation import places_dites
from cafdiag.restitution.tableaux import tableau

if TYPE_CHECKING:
    from cafdiag.restitution.leaflet import CarteHorsLigne

TITRE = "Besoin non couvert : enfants sans place à portée"
CODE = "BESOIN_SANS_PLACE"
_LIBELLES = {
    "tous": "Enfants de moins de 3 ans sans place à portée",
    "emploi": "Enfants de moins de 3 ans de parents tous en emploi, sans place à portée",
}
_LOIN = "Le calcul en deux temps (2SFCA), qui ne cherche pas le meilleur partage, donne {} places pour 100 enfants."


def _duree(b: Besoin) -> str:
    return f"{nombre(b.minutes, decimales=0 if b.minutes == int(b.minutes) else 1)} minutes"


def constat(b: Besoin) -> str:
    """« Environ 165 enfants de moins de 3 ans sur 821 n'ont pas de place à moins de 15 minutes (126 à 268). »"""
    ligne = b.principal
    enfants = nombre(ligne["enfants"], decimales=0)
    if ligne["statut"] == "sans_objet":
        return f"Aucun enfant de moins de 3 ans n'y est né de {b.annee - 2} à {b.annee}."
    qui = PUBLICS[ligne["public"]]
    if pd.isna(ligne["valeur"]):
        bas, haut = (nombre(ligne[c], decimales=0) for c in ("bas", "haut"))
        return f"De {bas} à {haut} {qui}, sur {enfants}, n'ont pas de place à moins de {_duree(b)} : {ligne['motif']}."
    n, bornes = nombre(ligne["valeur"], decimales=0), places_dites(*ligne[["valeur", "bas", "haut"]]).partition(" ")[2]
    plusieurs = round(ligne["valeur"]) > 1
    qui = qui if plusieurs else qui.replace("enfants", "enfant", 1)
    verbe = "n'ont" if plusieurs else "n'a"
    return f"Environ {n} {qui}, sur {enfants}, {verbe} pas de place à moins de {_duree(b)} {bornes}".rstrip() + "."


def autres_phrases(b: Besoin) -> list[str]:
    """L'autre public, ou pourquoi on n'en dit rien ; la comparaison au 2SFCA."""
    principal, phrases = b.principal, []
    for _, ligne in b.resume[b.resume["public"].ne(principal["public"])].iterrows():
        if ligne["statut"] == "estime":
            dits, combien = places_dites(*ligne[["valeur", "bas", "haut"]]), nombre(ligne["enfants"], decimales=0)
            phrases.append(f"Parmi tous les {PUBLICS[ligne['public']]} ({combien}) : {dits}.")
        else:
            phrases.append(f"{majuscule(ligne['motif'])}.")
    if pd.notna(principal["deux_temps"]):
        phrases.append(_LOIN.format(nombre(principal["deux_temps"], decimales=1)))
    return phrases


def tableau_des_communes(b: Besoin) -> pd.DataFrame:
    """Une ligne par commune, de celle qui a le plus d'enfants sans place à celle qui en a le moins."""
    c = b.communes.sort_values(["valeur", "nom"], ascending=[False, True], kind="stable", na_position="last")
    return pd.DataFrame(
        {
            "nom": c["nom"],
            "enfants": [nombre(v, decimales=0) for v in c["enfants"]],
            "sans_place": [places_dites(*v) for v in c[["valeur", "bas", "haut"]].itertuples(index=False)],
            "deux_temps": [nombre(v, decimales=1) if pd.notna(v) else "n.d." for v in c["deux_temps"]],
        }
    )


def en_texte(b: Besoin) -> str:
    """Un besoin en texte, pour être lu tel quel."""
    table = tableau_des_communes(b)
    large = max(len("Commune"), *table["nom"].str.len())
    lignes = [b.territoire.libelle, constat(b), *autres_phrases(b), ""]
    lignes.append(f"  {'Commune':{large}}  {'enfants':>8}  {'sans place':>20}  {'2SFCA':>7}")
    lignes += [f"  {r.nom:{large}}  {r.enfants:>8}  {r.sans_place:>20}  {r.deux_temps:>7}" for r in table.itertuples()]
    for titre, phrases in (("Hypothèses", b.hypotheses), ("Sources", b.sources)):
        lignes += ["", titre, *(f"  - {p}" for p in phrases)]
    return "\n".join(lignes)


def chercher(donnees: Donnees) -> Besoin | str:
    """Le besoin d'un rapport, à sa durée d'accès ; sinon, pourquoi on se tait."""
    choix = donnees.options
    try:
        return besoin(donnees.territoire, minutes=choix.acces_minutes, apports=donnees.apports, options=choix)
    except DemandeFausse as refus:
        return f"{refus.trouve}."


def section(b: Besoin | str) -> str:
    """La section du rapport, en HTML ; si on se tait, elle dit pourquoi."""
    titre = f'<section id="besoin" class="chapitre"><h2>{TITRE}</h2>'
    if isinstance(b, str):
        return f'{titre}<p class="nd">{phrase_html(b)}</p></section>'
    rendu = tableau(
        tableau_des_communes(b),
        titre=f"Par commune : {PUBLICS[b.principal['public']]}",
        precision="Entre parenthèses, la fourchette. Le nombre d'une petite commune est un ordre de grandeur.",
        colonnes={"nom": "Commune", "enfants": "Enfants", "sans_place": "Sans place", "deux_temps": "2SFCA (pour 100)"},
    )
    phrases = "".join(f"<p>{phrase_html(p)}</p>" for p in (constat(b), *autres_phrases(b)))
    notes = "".join(f"<li>{phrase_html(majuscule(p))}.</li>" for p in b.hypotheses)
    detail = "" if len(b.communes) < 2 else f"<details><summary>Commune par commune</summary>{rendu}</details>"
    return (
        f"{titre}{phrases}{detail}"
        f'<details class="note-limite"><summary>Hypothèses</summary><ul>{notes}</ul></details>'
        f'<p class="source">{phrase_html("Sources : " + " ; ".join(b.sources))}.</p></section>'
    )


def mesures_du_besoin(b: Besoin | str) -> pd.DataFrame:
    """Les nombres de la section, en Mesures."""
    if isinstance(b, str):
        return pd.DataFrame(columns=COLONNES).assign(role="besoin")
    table = b.table()
    table = table[table["valeur"].notna()]
    rendue = pd.DataFrame(
        {
            "territoire": table["code"],
            "nom": table["nom"],
            "maille": table["section"].where(table["section"].eq("commune"), b.territoire.maille),
            "indicateur": CODE,
            "libelle": table["public"].map(_LIBELLES),
            "annee": b.annee,
            "valeur": table["valeur"],
            "modalite": table["public"],
            "unite": "enfants",
            "denominateur": table["enfants"],
            "bas": table["bas"],
            "haut": table["haut"],
            "statut": table["statut"],
            "motif": table["motif"],
            "maille_source": "commune",
            "source": table["source"],
            "millesime": f"décembre {b.annee}",
        }
    )
    return rendue.reindex(columns=COLONNES).assign(role="besoin")


def carte(b: Besoin) -> CarteHorsLigne:
    """La part d'enfants sans place, commune par commune."""
    from cafdiag.restitution.cartes import carte_aplats
    from cafdiag.restitution.vues import COMMUNES_MAXIMUM, cadre_de, contours_de, fonds_de_contexte

    if len(b.communes) > COMMUNES_MAXIMUM:
        raise DemandeFausse(f"carte de {len(b.communes)} communes", attendu=f"{COMMUNES_MAXIMUM} communes au plus")
    mesures = mesures_du_besoin(b)
    mesures = mesures[mesures["maille"].eq("commune")]
    mesures = mesures.assign(valeur=100 * mesures["valeur"] / mesures["denominateur"], unite="%")
    noms = b.communes.set_index("code")["nom"]
    return carte_aplats(
        contours_de("commune", list(noms.index), noms=noms),
        mesures,
        libelle="Enfants sans place",
        unite="%",
        titre=f"Part des enfants de moins de 3 ans sans place à moins de {_duree(b)}",
        sous_titre=f"{b.territoire.nom} : l'offre publiée à l'intercommunalité est placée comme les enfants",
        source=" ; ".join(b.sources[:2]),
        decimales=0,
        contexte=fonds_de_contexte(b.territoire),
        cadre=cadre_de(b.territoire),
    )
