"""The usual set-up, as wechatpy's own documentation shows it: Flask, wechatpy, an answer of "success"; nothing stored.

Run by gunicorn in the environment of bench/requirements.txt; it imports nothing of ours.
"""

import os

from flask import Flask, abort, request  # type: ignore[import-not-found]  # in its own environment only
from wechatpy.exceptions import InvalidSignatureException
from wechatpy.work import parse_message
from wechatpy.work.crypto import WeChatCrypto
from wechatpy.work.exceptions import InvalidCorpIdException

app = Flask(__name__)
crypto = WeChatCrypto(os.environ["BENCH_TOKEN"], os.environ["BENCH_AES_KEY"], os.environ["BENCH_CORP"])


@app.get("/healthz")  # type: ignore[untyped-decorator]  # see above
def healthz() -> str:
    return "ok"


@app.post("/callback/<receiver>")  # type: ignore[untyped-decorator]  # see above
def callback(receiver: str) -> str:
    arguments = request.args
    try:
        plaintext = crypto.decrypt_message(
            request.data,
            arguments.get("msg_signature", ""),
            arguments.get("timestamp", ""),
            arguments.get("nonce", ""),
        )
    except (InvalidSignatureException, InvalidCorpIdException):
        abort(403)
    parse_message(plaintext)
    return "success"
