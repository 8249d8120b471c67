extension ChatTemplate {
    /// The names of the built-in templates.
    public static let names = named.map(\.name)

    /// A built-in template, for models whose files have none.
    /// - Throws: `TokenizerError.unknownTemplate` with the names that are known.
    public static func named(_ name: String) throws(TokenizerError) -> ChatTemplate {
        guard let found = named.first(where: { $0.name == name }) else {
            throw .unknownTemplate(name: name, known: names)
        }
        return try ChatTemplate(found.source, bosToken: found.bos, eosToken: found.eos)
    }

    private static let named: [(name: String, bos: String, eos: String, source: String)] = [
        ("chatml", "", "<|im_end|>", chatml(system: nil)),
        (
            "smollm2", "<|im_start|>", "<|im_end|>",
            chatml(system: "You are a helpful AI assistant named SmolLM, trained by Hugging Face")
        ),
        ("qwen2", "", "<|im_end|>", chatml(system: "You are a helpful assistant.")),
        (
            "qwen2.5", "", "<|im_end|>",
            chatml(system: "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.")
        ),
        ("llama2", "<s>", "</s>", llama2),
        ("llama3", "<|begin_of_text|>", "<|eot_id|>", llama3),
        ("mistral", "<s>", "</s>", mistral),
        ("gemma", "<bos>", "<eos>", gemma),
        ("phi3", "<s>", "<|endoftext|>", phi3),
        ("zephyr", "<s>", "</s>", zephyr),
    ]

    private static func chatml(system: String?) -> String {
        let opening = system.map {
            "{% if not messages or messages[0].role != 'system' %}{{ '<|im_start|>system\n\($0)<|im_end|>\n' }}{% endif %}"
        }
        return (opening ?? "") + """
            {% for message in messages %}
            {{ '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}
            {%- endfor %}
            {% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}
            """
    }

    private static let alternation = """
        {%- for message in turns %}
            {%- if (message.role == 'user') != (loop.index0 % 2 == 0) %}
                {{- raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}
            {%- endif %}
        {%- endfor %}
        """

    private static let systemSplit = """
        {%- set system = messages[0].content if messages and messages[0].role == 'system' else '' %}
        {%- set turns = messages[1:] if messages and messages[0].role == 'system' else messages %}
        """

    private static let llama2 =
        systemSplit + alternation + """
            {%- for message in turns %}
                {%- set content = message.content %}
                {%- if loop.first and system %}
                    {%- set content = '<<SYS>>\n' + system + '\n<</SYS>>\n\n' + content %}
                {%- endif %}
                {%- if message.role == 'user' %}
                    {{- bos_token + '[INST] ' + content.strip() + ' [/INST]' }}
                {%- else %}
                    {{- ' ' + content.strip() + ' ' + eos_token }}
                {%- endif %}
            {%- endfor %}
            """

    private static let llama3 = """
        {{- bos_token }}
        {%- for message in messages %}
            {{- '<|start_header_id|>' + message.role + '<|end_header_id|>\n\n' + message.content | trim + '<|eot_id|>' }}
        {%- endfor %}
        {%- if add_generation_prompt %}
            {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}
        {%- endif %}
        """

    private static let mistral = """
        {{- bos_token }}
        """ + systemSplit + alternation + """
            {%- for message in turns %}
                {%- if message.role == 'user' %}
                    {{- '[INST] ' + (system + '\n\n' if loop.first and system else '') + message.content + ' [/INST]' }}
                {%- else %}
                    {{- ' ' + message.content + eos_token }}
                {%- endif %}
            {%- endfor %}
            """

    private static let gemma = """
        {{- bos_token }}
        {%- if messages and messages[0].role == 'system' %}
            {{- raise_exception('System role not supported') }}
        {%- endif %}
        {%- set turns = messages %}
        """ + alternation + """
            {%- for message in messages %}
                {%- set role = 'model' if message.role == 'assistant' else message.role %}
                {{- '<start_of_turn>' + role + '\n' + message.content | trim + '<end_of_turn>\n' }}
            {%- endfor %}
            {%- if add_generation_prompt %}
                {{- '<start_of_turn>model\n' }}
            {%- endif %}
            """

    private static let phi3 = """
        {%- for message in messages %}
            {{- '<|' + message.role + '|>\n' + message.content + '<|end|>\n' }}
        {%- endfor %}
        {{- '<|assistant|>\n' if add_generation_prompt else eos_token }}
        """

    private static let zephyr = """
        {%- for message in messages %}
            {{- '<|' + message.role + '|>\n' + message.content + eos_token + '\n' }}
        {%- endfor %}
        {%- if add_generation_prompt %}
            {{- '<|assistant|>\n' }}
        {%- endif %}
        """
}
