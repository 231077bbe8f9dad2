import { CodeEditor, type CodeEditorProps } from "../../components/CodeEditor";
import { Field } from "../tags/Form";
import { useCompletions, useVocabulary } from "./words";

export interface ConditionProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  readOnly: boolean;
  placeholder?: string;
  hint?: string;
  /** The words to complete; by default everything that can be asked of people. */
  words?: NonNullable<CodeEditorProps["words"]>;
}

/** A condition as text, with the words that it can name. */
export function Condition({ label, value, onChange, readOnly, placeholder, hint, words }: ConditionProps) {
  const known = useCompletions(useVocabulary().data);
  return (
    <Field label={label} group {...(hint ? { hint } : {})}>
      {() => <CodeEditor label={label} language="expression" height="auto" value={value} onChange={onChange} words={words ?? known} readOnly={readOnly} list={false} {...(placeholder ? { placeholder } : {})} />}
    </Field>
  );
}
