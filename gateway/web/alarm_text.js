// The alarm strip's sentences by alarm id: what is wrong, what to do. An id that is not here shows the gateway's own English.
import { time_text } from './dom.js';
import { fill, language } from './text.js';

const sentences = {
  en: {
    'link.refused': ['The broker cannot be reached.', 'Nothing is lost: results are kept here and sent when it is back. Check the network cable and the broker’s address.'],
    'link.centre_away': ['The broker is there, central analysis is not.', 'Nothing is lost: results are kept here and sent when it is back. Tell the centre if this lasts.'],
    'link.not_authorised': ['The broker refuses this gateway.', 'Ask the administrator to check this gateway’s user, certificate and the broker’s access list.'],
    'link.taken_over': ['Another gateway uses this gateway’s id.', 'Two gateways share one client id. Stop one of them, or give it its own id in its configuration.'],
    'link.stalled': ['Results are sent, but the centre does not confirm them.', 'Nothing is lost and it is tried again by itself. Tell the centre if this lasts.'],
    'link.centre_disagrees': ['The centre holds other records under this gateway’s stream.', 'Nothing is removed here. The outbox may have been copied or restored from a backup: call the administrator.'],
    'link.certificate_expired': ['The certificate of this gateway has expired.', 'Nothing is lost: results are kept here. Ask the administrator for a renewed certificate; it is used without a restart.'],
    'link.rehearsal': ['An outage is being rehearsed until {until}: the link to the centre is closed on purpose.', 'This is no fault, and nothing needs to be done: results are kept here, and the link opens again by itself.'],
    'link.records_forgotten': ['The centre asks for {count} results that are no longer kept here.', 'The centre was restored from an old backup. Its administrator must restore a newer one.'],
    'certificate.ends': ['The certificate of this gateway ends in {days} days.', 'Ask the administrator to renew it; the new one is used without a restart.'],
    'outbox.set_aside': ['The store of results was damaged and has been set aside.', 'New results are kept in a new store; what can still be read of the old one is being sent. Call the administrator.'],
    'outbox.forked': ['The store of results was copied or restored from a backup.', 'Nothing is lost: what the centre does not have is sent in a new stream. Make sure that no second gateway uses a copy, and call the administrator.'],
    'outbox.full': ['The space for results is used up: instruments are no longer acknowledged.', 'Restore the connection to the centre, or raise the budget in the configuration. It goes on by itself when there is room.'],
    'outbox.cannot_write': ['Results cannot be written to the disk: instruments are no longer acknowledged.', 'Check that the disk is not full, read-only or failing. It is tried again by itself.'],
    'outbox.low': ['Room for results for {hours} more hours at the present rate.', 'Restore the connection to the centre, or raise the budget.'],
    'configuration.refused': ['The changed configuration has mistakes; the last good one stays in force.', 'Run “marrowlink-gateway check”, mend what it names, and reload.'],
    'configuration.restart_needed': ['A changed setting takes effect only after a restart ({sections}).', 'Restart the gateway when no instrument is measuring.'],
    'file.not_taken': ['The file {name} has not been taken for ten minutes.', '{reason}'],
    'instrument.unreachable': ['{title} cannot be read.', '{detail}'],
    'alarms.more': ['There are more alarms than this list shows.', 'Deal with those above; the others are in the gateway’s log.'],
  },
  fr: {
    'link.refused': ['Le courtier est injoignable.', 'Rien n’est perdu : les résultats sont gardés ici et envoyés à son retour. Vérifiez le câble réseau et l’adresse du courtier.'],
    'link.centre_away': ['Le courtier est là, l’analyse centrale non.', 'Rien n’est perdu : les résultats sont gardés ici et envoyés à son retour. Prévenez le centre si cela dure.'],
    'link.not_authorised': ['Le courtier refuse cette passerelle.', 'Demandez à l’administrateur de vérifier l’utilisateur, le certificat et la liste d’accès du courtier.'],
    'link.taken_over': ['Une autre passerelle utilise le nom de celle-ci.', 'Deux passerelles partagent un identifiant. Arrêtez l’une d’elles ou donnez-lui son propre identifiant dans sa configuration.'],
    'link.stalled': ['Les résultats partent, mais le centre ne les confirme pas.', 'Rien n’est perdu et l’envoi reprend seul. Prévenez le centre si cela dure.'],
    'link.centre_disagrees': ['Le centre détient d’autres enregistrements sous le flux de cette passerelle.', 'Rien n’est effacé ici. La boîte d’envoi a pu être copiée ou restaurée d’une sauvegarde : appelez l’administrateur.'],
    'link.certificate_expired': ['Le certificat de cette passerelle a expiré.', 'Rien n’est perdu : les résultats sont gardés ici. Demandez un certificat renouvelé à l’administrateur ; il sert sans redémarrage.'],
    'link.rehearsal': ['Exercice de coupure jusqu’à {until} : la liaison avec le centre est fermée exprès.', 'Ce n’est pas une panne et il n’y a rien à faire : les résultats sont gardés ici et la liaison se rouvre seule.'],
    'link.records_forgotten': ['Le centre demande {count} résultats qui ne sont plus gardés ici.', 'Le centre a été restauré d’une ancienne sauvegarde. Son administrateur doit en restaurer une plus récente.'],
    'certificate.ends': ['Le certificat de cette passerelle expire dans {days} jours.', 'Demandez à l’administrateur de le renouveler ; le nouveau sert sans redémarrage.'],
    'outbox.set_aside': ['La réserve de résultats était endommagée et a été mise de côté.', 'Les nouveaux résultats vont dans une nouvelle réserve ; ce qui reste lisible de l’ancienne est envoyé. Appelez l’administrateur.'],
    'outbox.forked': ['La réserve de résultats a été copiée ou restaurée depuis une sauvegarde.', 'Rien n’est perdu : ce que le centre n’a pas est envoyé dans un nouveau flux. Vérifiez qu’aucune autre passerelle n’utilise une copie et appelez l’administrateur.'],
    'outbox.full': ['La place pour les résultats est épuisée : les instruments ne sont plus acquittés.', 'Rétablissez la liaison avec le centre ou augmentez le budget dans la configuration. Cela reprend seul dès qu’il y a de la place.'],
    'outbox.cannot_write': ['Les résultats ne peuvent pas être écrits sur le disque : les instruments ne sont plus acquittés.', 'Vérifiez que le disque n’est ni plein, ni en lecture seule, ni en panne. L’écriture est retentée seule.'],
    'outbox.low': ['Place pour {hours} heures de résultats au rythme actuel.', 'Rétablissez la liaison avec le centre ou augmentez le budget.'],
    'configuration.refused': ['La configuration modifiée contient des erreurs ; la dernière bonne reste en vigueur.', 'Lancez « marrowlink-gateway check », corrigez ce qu’il indique, puis rechargez.'],
    'configuration.restart_needed': ['Un réglage modifié ne prend effet qu’après un redémarrage ({sections}).', 'Redémarrez la passerelle quand aucun instrument ne mesure.'],
    'file.not_taken': ['Le fichier {name} n’est pas repris depuis dix minutes.', '{reason}'],
    'instrument.unreachable': ['{title} ne peut pas être lu.', '{detail}'],
    'alarms.more': ['Il y a plus d’alarmes que cette liste n’en montre.', 'Traitez celles ci-dessus ; les autres sont dans le journal de la passerelle.'],
  },
};

// A sentence with a hole in it would be worse than English.
export function alarm_sentences(alarm, title) {
  const parameters = { ...alarm.parameters, title: title || alarm.subject };
  if (parameters.until) parameters.until = time_text(parameters.until);
  const own = sentences[language][alarm.id];
  const filled = own && own.map((sentence) => fill(sentence, parameters));
  return filled && !filled.some((sentence) => /\{\w+\}/.test(sentence)) ? filled : [alarm.what, alarm.todo];
}

export function known_alarms() { return Object.keys(sentences.en); }
export function has_both_languages(id) { return id in sentences.en && id in sentences.fr; }
