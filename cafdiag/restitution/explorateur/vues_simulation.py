"""Ce que l'explorateur écrit d'une simulation : la réponse, ce que la Caf apporte, ce qu'on suppose."""

from __future__ import annotations

from cafdiag.indicateurs.simulation_objets import Simulation
from cafdiag.restitution.echappement import html_sur
from cafdiag.restitution.formats import majuscule
from cafdiag.restitution.rendu_html import phrase_html
from cafdiag.restitution.simulation import SECTIONS, conclusion, montant


def simulation(resultat: Simulation) -> str:
    """La simulation en HTML ; un montant inconnu se dit inconnu, jamais zéro."""
    morceaux = [
        f'<p class="reponse">{phrase_html(conclusion(resultat))}</p>',
        f'<p class="precision">{phrase_html(majuscule(resultat.cible))}.</p>',
    ]
    if not (resultat.atteinte or resultat.sans_places):
        morceaux.append(_montants(resultat))
    dits = {
        "Hypothèses": resultat.hypotheses,
        "Ce qu'on ne sait pas": () if resultat.atteinte else resultat.inconnues,
        "Sources": resultat.sources,
    }
    listes = "".join(
        f"<dt>{html_sur(titre)}</dt><dd><ul>{''.join(f'<li>{phrase_html(p)}</li>' for p in phrases)}</ul></dd>"
        for titre, phrases in dits.items()
        if phrases
    )
    morceaux.append(
        '<details class="definition"><summary>Hypothèses, inconnues et sources</summary>'
        f"<dl>{listes}</dl></details>"
    )
    return "".join(morceaux)


def perspectives(phrases: tuple[str, ...]) -> str:
    """Ce qui manque aujourd'hui et ce qui vient ; vide si rien ne se calcule."""
    if not phrases:
        return ""
    corps = "".join(f"<p>{phrase_html(p)}</p>" for p in phrases)
    return f'<div class="perspectives"><h4>Ce qui manque, et ce qui vient</h4>{corps}</div>'


def _montants(resultat: Simulation) -> str:
    reste = resultat.reste_a_charge.set_index("section")
    corps = []
    for section, titre in SECTIONS.items():
        corps.append(f'<tr><th colspan="2" scope="rowgroup" class="section">{html_sur(titre)}</th></tr>')
        postes = resultat.financement[resultat.financement["section"].eq(section)]
        lignes = [(p["poste"], p["bas"], p["haut"], "") for p in postes.to_dict("records")]
        total = reste.loc[section]
        lignes += [
            ("Total de la Caf", total["caf_bas"], total["caf_haut"], " total"),
            ("Reste à charge, avant autres financeurs", total["reste_bas"], total["reste_haut"], " total"),
        ]
        corps += [
            f'<tr class="poste{classe}"><th scope="row">{html_sur(poste)}</th>'
            f'<td class="nombre">{html_sur(montant(float(bas), float(haut)))}</td></tr>'
            for poste, bas, haut, classe in lignes
        ]
    return (
        '<table class="montants"><caption>Ce que la Caf apporterait, ce qui resterait à charge</caption>'
        f"<tbody>{''.join(corps)}</tbody></table>"
    )
