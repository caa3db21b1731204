"""The words beside a figure that tell what it is: tables for content.reckoning.reading.

A row is a slot and a pattern over folded text, a pattern that begins with ^ stands directly behind the figure, any
other before it. The row nearest to the figure wins, the one before it among equals, then the longer.
The slot "" means: this word makes the figure something we do not reckon with (a salary, a fee of another kind), so it
fills nothing. Order within a table has no meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

NOTHING = ""
_PERIOD = "(?:每一?期|每个?月|一期|单期|期|月)"
_FEE = "(?:手续费|服务费|担保费|增信费|费用|费)"


@dataclass(frozen=True, kw_only=True)
class Label:
    """A word that names a figure."""

    slot: str
    pattern: re.Pattern[str]
    is_behind: bool


def _table(rows: Iterable[tuple[str, str]], tail: str = "") -> tuple[Label, ...]:
    """Return the labels of rows; `tail` may follow each that stands before its figure."""
    return tuple(
        Label(
            slot=slot,
            pattern=re.compile(
                pattern.removeprefix("^") if pattern.startswith("^") else f"(?:{pattern}){tail}"
            ),
            is_behind=pattern.startswith("^"),
        )
        for slot, pattern in rows
    )


MONEY = _table(
    [
        ("amount", "合同(?:上)?写|借款?|贷款?|本金|借款金额|贷款金额|分期金额|分期"),
        ("received", "(?:只|就|才)给(?:了|我)*|给了我|到手|实际到账|到账|实收|实得|实际拿到|只拿到"),
        ("deducted", "先扣|扣了|扣掉|预扣|先收|扣除|砍头息?|扣"),
        ("overdue_amount", "逾期本金|逾期金额|逾期|期本金|欠款?|没还"),
        (
            "fee_amount",
            f"{_PERIOD}(?:的|要|收|交|付|还有)*{_FEE}|{_FEE}(?:是|为)?(?:每一?期|每个?月|一期|单期)",
        ),
        ("fee_amount", "^(?:每期|每月)的?(?:手续费|服务费|担保费|增信费)"),
        ("daily_amount", "(?:每天|一天|每日)(?:的?利息|要|收|只要|只|才|算)*"),
        ("daily_amount", "^(?:/天|/日|(?:一天|每天)(?:$|的?利息))"),
        (
            "premiums_paid",
            "已交(?:了|的)?(?:保费)?|已缴(?:保费)?|交了|缴了|交过|(?:累计|总共|一共|共)(?:交|缴)(?:了)?(?:保费)?|累计保费",
        ),
        ("cash_value", "现金价值|现价|解约金"),
        ("cash_value", "^(?:现金价值|现价)"),
        ("medical_cost", "总费用|医疗费用?|住院费用?|住院|看病|治疗费?|医药费|花了|费用(?:一共|总共|合计)"),
        ("social_paid", "(?:医保|社保|统筹)(?:已经?)?(?:报销|支付|报|付)*(?:了|掉|过)?"),
        ("deductible", "免.额|免赔|起付线?"),
        ("deductible", "^(?:免赔额?|起付线?)"),
        ("sum_insured", "保额|保险金额"),
        ("sum_insured", "^保额"),
        ("purchase_amount", "申购|认购|买入|投入|投了|投资|买了|买|投|持有|存了?|放了?"),
        (NOTHING, "每个?月定?投|定投|每次投"),
        (NOTHING, "月供|每月还款?|每个月还款?|每期还款?|一个月还款?|每期|月还"),
        (NOTHING, "工资|收入|月薪|年薪|流水|转账?了?|红包|奖金?|送|券|立减|补贴|房价|首付"),
        (NOTHING, "违约金|罚息|罚款|利息|还了|还过|剩余本金|还剩|剩下|剩|额度|上限|最高|限额|超过|不到|至少"),
        (NOTHING, "保费|(?:每年|一年|年)(?:保费)?(?:要)?(?:交|缴)?了?"),
        (NOTHING, f"{_FEE}|会员费|咨询费|审核费|保证金|不是|提额|降到|退|赔|返"),
        (NOTHING, "取|提|充值?|余额|打款?|收|刷|存款保险|够|保障|押金?|罚|少|多"),
        (NOTHING, "^(?:起步|起|以下|以上|以内|封顶|上限|保障|额度|券|红包)"),
    ]
)
PERCENT = _table(
    [
        ("annual_yield", "基金年化"),
        ("rate:annual", "年化(?:利率|利息|费率)?|年利率|年利息|年利|年息|年率|年$|一年(?:就|是|要|为|约)*$"),
        ("rate:annual", "^(?:年化|年利率|年息|/年|一年|每年)"),
        (
            "rate:monthly",
            "月利率|月利息|月利|月息|每个?月(?:的)?(?:利率|利息|息)?|一个月(?:的)?(?:利率|利息|息)?",
        ),
        ("rate:monthly", "^(?:月利率|月息|/月|一个月|每个?月)"),
        ("rate:daily", "日利率|日利息|日利|日息|(?:每天|每日|一天)(?:的)?(?:利率|利息|息)?|天"),
        ("rate:daily", "^(?:日利率|日息|/天|/日|一天|每天|每日)"),
        ("rate", "合同利率|利率|利息|利|息|合同"),
        ("rate", "^(?:利率|利息|息)"),
        (
            "fee_rate",
            f"{_PERIOD}(?:的|要|收|付)*{_FEE}率?|{_PERIOD}费率|(?:{_FEE}|费)率?(?:是|为)?(?:每一?期|每个?月|一期|单期)",
        ),
        ("fee_rate", f"^(?:每期|每月)的?{_FEE}率?"),
        ("uplift", "上浮|加收"),
        ("lpr", "lpr"),
        ("payout_ratio", "赔付比例|报销比例|给付比例|赔付|报销|赔|报了?"),
        ("payout_ratio", "^(?:赔付|报销|赔|报)"),
        ("purchase_fee_rate", "(?:申购|认购|买入)(?:的)?(?:手续)?(?:费|费率)"),
        ("redeem_fee_rate", "(?:赎回|卖出)(?:的)?(?:手续)?(?:费|费率)"),
        ("change:up", "涨了?|上涨了?|涨幅"),
        ("change:down", "跌了?|下跌了?|跌幅|亏了?"),
        (
            NOTHING,
            "手续费率?|服务费率?|担保费率?|费率|违约金|罚息|首付|折|基准|预定利率|保证利率|结算利率|保底|红利|分红|贴息",
        ),
        (NOTHING, "返利|返|让利|佣金?|税|管理费|托管费|销售服务费|超过|上限|不超过|不到|最高|最低|低至|至少"),
        (NOTHING, "加点|irr|(?:以来|收益)年化|收益率?|倍|不是|降到|降"),
        (NOTHING, "^(?:以上|以下|以内)"),
    ]
)
COUNT = _table(
    [
        ("paid", "还了|已还|还过|已经还了?|还满|供了|还到第|还完了?"),
        ("overdue_days", "逾期了?|晚还?了?|拖了|超期了?|过期了?|没还"),
        ("overdue_days", "^(?:没还|未还|逾期)"),
        ("cooling_off_days", "(?:犹豫期|冷静期)(?:合同)?(?:写的|有|是)*"),
        ("waiting_days", "(?:等待期|观察期)(?:合同)?(?:写的|有|是)*"),
        (
            "accrued_days",
            "(?:上次还款|上个还款日|上期还款|上一?期)(?:日|后|完)?(?:到现在|到今天|已经)?(?:又?过了)?",
        ),
        ("supplement_days", "补(?:充|交)?(?:了)?(?:材料|资料)?(?:用了|花了|用|补了)*"),
        ("held_days", "持有了?|拿了|放了|存了"),
        ("received_ago", "签收了?(?:保单)?|(?:收|拿)到(?:了)?(?:电子)?(?:保单|合同)|签收(?:第)?"),
        ("term", "借款?|贷款?|期限|分期?(?!红)|分成|分了|一共|总共|共|做|办|用|期数"),
        (NOTHING, "交了|缴了|交|缴|保障?|买了|满|过了|已经|等|上班|工作|最近|近|前|保存|征信"),
        (NOTHING, "还剩|剩下|剩|不是|免息|延期?|展期|提前|连续|断"),
        (NOTHING, "^(?:前|后|内|以内|之内|以上|以下|以后|之后|来|多|不|没|未|无理由|了)"),
    ],
    tail="(?:已经|已|都|才|刚|快|有)*",
)
# Behind a count these settle it, whatever stands before: "过了15天犹豫期".
PERIOD = _table([("cooling_off_days", "^(?:犹豫期|冷静期)"), ("waiting_days", "^(?:等待期|观察期)")])
DATE = _table(
    [
        ("received_on", "签收|(?:收|拿)到(?:了)?(?:电子|纸质)?(?:保单|合同)|保单送达|回执|保单\\D{0,14}收到"),
        ("surrendered_on", "退保"),
        ("premium_due_on", "应交|应缴|该交|该缴|缴费日|交费日|保费到期|续期"),
        ("demanded_on", "催告|催缴|催交"),
        ("lapsed_on", "中止|失效|停效|断保"),
        ("reinstate_applied_on", "申请(?:了)?复效|复效申请|办(?:了)?复效|复效"),
        ("effective_on", "生效|投保|起保"),
        ("agreed_on", "达成|协议|同意赔"),
        ("decided_on", "核定|拒赔|核赔"),
        ("submitted_on", "材料|资料|递交|提交|交齐|理赔申请|申请理赔|报案"),
        ("settled_on", "结清|还清|还完"),
        ("objected_on", "异议|申诉"),
        ("event_on", "出的?险|事故|出事|确诊|去世|身故"),
    ]
)
# Days that may lie ahead; the others have happened when a customer names them.
AHEAD = frozenset({"premium_due_on", "effective_on", "surrendered_on"})
