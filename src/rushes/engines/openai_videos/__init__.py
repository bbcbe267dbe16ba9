"""`openai-videos`: any server that speaks `/v1/videos`, the protocol of OpenAI's Videos API.

OpenAI's own service closed on 2026-09-24. The protocol lives on in SGLang, vLLM-Omni, the LiteLLM proxy and
new-api gateways, which differ from it and from each other; `videos` and `answers` read them all.
"""
