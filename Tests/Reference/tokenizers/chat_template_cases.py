"""What `transformers` renders for chat templates: the cases of Fixtures/chat_templates.json, or of a folder of templates.

    chat_template_cases.py OUT.json [FOLDER_OF_JINJA_FILES]

Each case holds the template, the messages and the expected text ("REFUSED" where the template raises an exception).
The committed templates are short ones that use what the templates of common models use.
"""
import json, sys
from pathlib import Path

from transformers.utils.chat_template_utils import _compile_jinja_template
import jinja2

CONVERSATIONS = {
    "one turn": [{"role": "user", "content": "Hi there"}],
    "system": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": " Who are you?\n"}],
    "three turns": [{"role": "user", "content": "1+1?"}, {"role": "assistant", "content": " 2 "},
                    {"role": "user", "content": "And \"2+2\"? é 👍"}],
    "system, three turns": [{"role": "system", "content": "S"}, {"role": "user", "content": "a"},
                            {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}],
    "two users": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}],
}

TEMPLATES = {
    "smollm2": "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "chatml": "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "llama2": "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}{% for message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate') }}{% endif %}{% if loop.index0 == 0 and system_message != false %}{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}{% else %}{% set content = message['content'] %}{% endif %}{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ ' '  + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}",
    "llama3": "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}",
    "mistral": "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ ' ' + message['content'] + eos_token}}{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}",
    "gemma": "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}{% endif %}",
    "phi3": "{% for message in messages %}{% if message['role'] == 'system' %}{{'<|system|>\n' + message['content'] + '<|end|>\n'}}{% elif message['role'] == 'user' %}{{'<|user|>\n' + message['content'] + '<|end|>\n'}}{% elif message['role'] == 'assistant' %}{{'<|assistant|>\n' + message['content'] + '<|end|>\n'}}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}",
    "zephyr": "{% for message in messages %}\n{% if message['role'] == 'user' %}\n{{ '<|user|>\n' + message['content'] + eos_token }}\n{% elif message['role'] == 'system' %}\n{{ '<|system|>\n' + message['content'] + eos_token }}\n{% elif message['role'] == 'assistant' %}\n{{ '<|assistant|>\n'  + message['content'] + eos_token }}\n{% endif %}\n{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}",
    "language": """{#- a comment -#}
{%- set ns = namespace(found=false, count=0, names=[]) %}
{%- macro shout(text, mark='!') %}{{ text | upper }}{{ mark }}{% endmacro %}
  {% for m in messages if m.role != 'system' %}
    {%- set ns.count = ns.count + 1 %}
{{ loop.index }}/{{ loop.length }} {{ m['role'][:2] }} {{ m.content[::-1] }} {{ m | tojson }}
    {%- if loop.previtem is defined and loop.previtem.role == m.role %} same{% elif loop.first %} first{% else %} other{% endif %}

  {% else %}
none
  {% endfor %}
{{ shout('hey') }} {{ shout(mark='?', text='you') }} {{ ns.count }} {{ 7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 * 3 ~ 'x' }}
{{ [1, 'a', none, true, {'k': 1.5}] }} {{ {'b': [1, 2], 'a': "q\\"'"} | tojson(indent=2) }}
{{ tools is none }} {{ missing is defined }} {{ missing | default('dft') }} {{ '' | default('e', true) }} {{ 3 is odd }} {{ 'b' in 'abc' }} {{ 4 not in [1, 2] }}
{{ messages | map(attribute='role') | join(', ') }} {{ messages | selectattr('role', 'equalto', 'user') | list | length }} {{ range(1, 8, 3) | list }} {{ '  x '.strip() + 'a-b-c'.split('-')[-1] }} {{ 'x' if false }}
{%+ if true +%}
  kept
{% endif %}
{% set block %}in {{ 1 + 1 }}{% endset %}{{ block | length }} {{ 'Hello world'.replace('o', '0') | title }} {{ 'abc'.startswith('ab') and not 'abc'.endswith('x') }}
{%- for k, v in {'x': 1, 'y': 2}.items() %} {{ k }}={{ v }}{{ ',' if not loop.last }}{% if v == 2 %}{% break %}{% endif %}{% endfor %}
{% raw %}{{ raw }}{% endraw %} {{ 1 < 2 <= 2 }} {{ ('a', 'b') | first }} {{ "tab\\tnew\\nline" }}
""",
}


def cases(templates, conversations):
    for name, source in templates.items():
        template = _compile_jinja_template(source)
        for title, messages in conversations.items():
            for add in (True, False):
                case = dict(name=f"{name}, {title}, {'with' if add else 'without'} prompt", template=source, messages=messages,
                            add=add, bos="<s>", eos="</s>")
                try:
                    case["expected"] = template.render(messages=messages, tools=None, documents=None, bos_token="<s>",
                                                       eos_token="</s>", add_generation_prompt=add)
                except jinja2.exceptions.TemplateError as error:
                    case["expected"] = "REFUSED" if "undefined" not in str(error) else "ERROR"
                yield case


def main():
    if len(sys.argv) > 2:
        templates = {path.stem: path.read_text() for path in sorted(Path(sys.argv[2]).glob("*.jinja"))}
        found = []
        for name, source in templates.items():
            try:
                found += cases({name: source}, CONVERSATIONS)
            except Exception as error:
                print(name, "cannot be rendered by the reference:", error)
    else:
        found = list(cases(TEMPLATES, CONVERSATIONS))
    Path(sys.argv[1]).write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n")
    print(len(found), "cases")


main()
