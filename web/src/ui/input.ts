// Everything that takes an answer.
export {
  Autocomplete,
  Checkbox,
  Fieldset,
  Input,
  MultiSelect,
  NativeSelect,
  NumberInput,
  PasswordInput,
  Radio,
  SegmentedControl,
  Select,
  Switch,
  TagsInput,
  Textarea,
  TextInput,
} from '@mantine/core';
