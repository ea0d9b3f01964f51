// Le français des formulaires faits d’un schéma.
import type { form as english } from '../en/form';
import type { Text } from '../i18n';

export const form: Record<keyof typeof english, Text> = {
  'form.required': 'Veuillez remplir ce champ.',
  'form.tooShort': 'C’est trop court.',
  'form.tooLong': 'C’est trop long.',
  'form.minimum': 'La plus petite valeur est {limit}.',
  'form.maximum': 'La plus grande valeur est {limit}.',
  'form.pattern': 'Cela n’a pas la forme attendue.',
  'form.format': 'Ce n’est pas une valeur valide ({format}).',
  'form.type': 'Ce n’est pas le bon genre de valeur.',
  'form.invalid': 'Certains champs sont à revoir',
  'form.invalidValue': 'Cette valeur n’est pas acceptée.',
  'form.stored': 'Enregistré',
  'form.replace': 'Remplacer',
  'form.replaceNamed': 'Remplacer : {name}',
  'form.keepStored': 'Garder celui qui est enregistré',
  'form.showSecret': 'Afficher la saisie',
  'form.add': 'Ajouter',
  'form.addTo': 'Ajouter à {name}',
  'form.emptyList': 'Aucun pour l’instant.',
  'form.moveUp': 'Monter l’élément {number}',
  'form.moveDown': 'Descendre l’élément {number}',
  'form.remove': 'Retirer l’élément {number}',
  'form.item': 'Élément',
  'form.option': 'Option {number}',
};
