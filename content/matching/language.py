"""Knowledge of the language that no entry holds: words that say little, words that mean the same, kinds of question.

Written by hand for Chinese customers of loans, insurance and funds; nothing here comes from measured data. The
company's own words are content/synonyms.toml and content/lexicon.txt.
"""

from __future__ import annotations

import re
from types import MappingProxyType

# What politeness wraps around a question.
_OPENING = (
    r"您好|你好|您们好|你们好|哈喽|哈罗|hello|hi|嗨|hey|亲爱的|亲们?|早上好|上午好|中午好|下午好|晚上好|"
    r"请问|请教|请帮|麻烦|劳驾|打扰|不好意思|打搅|抱歉|那个|这个|嗯+|呃+|额+(?=[,，.。… ])|"
    r"客服|老师|小姐姐|小哥哥|经理|顾问|"
    r"在不在|在吗|在么|有人吗|有人在吗|你们|一下下?|下(?=[哦呀啊吧])|哦|呀|啊|唉|哎|诶|"
    r"我?(?:就|也|还)?想?要?(?:再)?(?:问问|问|咨询|了解|请教|知道|请问)(?:看|看看)?(?:一下|下|个问题|您|你们?)*"
)
_CLOSING = (
    r"谢谢|多谢|感谢|谢啦|谢了|麻烦了?|辛苦了?|拜托了?|在线等|急急*|挺急的?|比较急|尽快|快点|回复|答复|解答|告诉|帮忙|"
    r"您|你|我|一下|下|啦|哈|呀|啊|哦|呢|吧|嘛|哇|了解|看看|可以吗|好吗"
)
# Possessive loops: what was taken is not given back, so no text of a customer makes them slow.
OPENING = re.compile(rf"^(?:(?:{_OPENING})|[^\w%])++")
CLOSING = re.compile(
    rf"(?:(?:谢谢|多谢|感谢|谢啦|谢了|辛苦了?|拜托了?|在线等|急急*|挺急的?|[啊呀哦呢吧哈啦哇]|(?:麻烦|请|望|希望)(?:{_CLOSING})*+"
    rf"|[^\w%])(?:您|你|啦|了|哈|大家)*+)++$"
)
GREETING = re.compile(rf"^(?:(?:{_OPENING})|(?:{_CLOSING})|[^\w%]|好的?|行|收到|知道了|明白了?)*+$")

# Words that say nothing about the subject; they weigh little wherever they stand.
FUNCTION_WORDS = frozenset(
    re.findall(
        r"\S+",
        """
    的 了 吗 呢 啊 吧 呀 么 嘛 哦 哈 啦 呗 是 我 你 您 他 她 它 们 我们 你们 咱 咱们 自己 人家 这 那 这个
    那个 这样 那样 这么 那么 这种 那种 个 一个 一下 下 就 就是 都 也 还 还是 又 再 和 跟 与 或 或者 在 有 要
    会 能 能够 可以 可 想 想要 给 把 被 让 叫 到 去 来 过来 过去 说 说说 请 请问 请教 现在 目前 已经 然后
    因为 所以 但是 但 可是 如果 要是 的话 而且 而 之 对 对于 关于 呃 嗯 得 地 着 过 里 里面 上 中 上面 下面
    时 时候 后 之后 以后 前 之前 以前 才 只 只能 只有 很 太 非常 比较 更 最 一直 总 总是 老是 老 突然 竟然
    究竟 到底 其实 刚 刚刚 刚才 正 正在 应该 需要 必须 想问 咨询 了解 问 问问 知道 告诉 帮 帮忙 帮我 麻烦
    谢谢 显示 提示 出现 情况 问题 什么 怎么 怎样 如何 咋 咋样 怎么样 怎么办 办 多少 多久 几 哪 哪里 哪儿
    哪个 哪些 谁 为什么 为啥 为何 啥 是不是 能不能 可不可以 可否 能否 是否 有没有 会不会 要不要 行 好 好吗
    行吗 可以吗 呵呵 不 没 没有 别 无 未 进行 通过 使用 用 一样 一些 有些 有点 各 每 该 此 其 以 由 于 从 向
    往 为 及 等 等等 看 看看 弄 搞 做 成 起 来说 来讲 意思 东西 事 事情 今天
    """,
    )
)
# Characters that alone say little.
FUNCTION_CHARACTERS = frozenset(
    "的了吗呢啊吧呀么嘛哦哈啦是我你您他她它们这那个就都也又和跟与在有要会能可以想把被让到去来说请问得地着"
)

# One line, one meaning; the first word names it. Only what is true wherever the words stand.
_SAME = """
怎么 怎样 如何 咋 咋样 怎么样 怎么弄 怎么办 怎么操作 怎么做 如何操作 怎么才能 怎样才能 如何才能 怎么能 方法
  办法 步骤 流程
为什么 为啥 为何 什么原因 怎么回事 咋回事 啥原因 何故 怎么会 什么情况 啥情况 为嘛 凭什么 原因 干嘛 怎么不
什么时候 何时 几时 啥时候 什么时间 多会儿 哪天 几号 哪一天 几点 时间 日期 哪日
多久 多长时间 多少时间 要几天 几天 多少天 需要几天 多长 几个工作日
哪里 哪儿 在哪 哪 去哪 何处 什么地方 啥地方 从哪 在哪里 在哪儿 那里 位置 入口
多少 几多 多大 多高 几 是多少
什么 啥 什麽 什么样 是什么 啥叫 什么叫 什么是
不能 不可以 不可 不让 无法 没法 没办法 不了 不能够 不成 不行 不到 失败 不成功 没成功 未成功 不给 用不了
  不支持 不通过 没通过 被拒 拒绝 通不过
能不能 可不可以 可以不可以 能否 可否 是否可以 是否能 可以吗 行不行 能吗 行吗 支持 允许 可以
是否 是不是 有没有 会不会 有无 会否 要不要 是吗 对吗
没有 没 无 未 不见了 没了 消失 不见 不在
必须 一定要 非要 一定 非得 只能
开通 开启 打开 启用 激活 申请 申请开通 办理 办 注册 开 申办 弄 加入
关闭 关掉 取消 停用 关 注销 停掉 关停 解除 退出 不用了 销户 关了 取消掉 不想用 销掉
恢复 重新开通 再开 重开 重新 再次 找回 解封 解冻
还款 还钱 还 还账 还帐 归还 偿还 还清 还上 还掉 结清 付清 还完 缴款 还贷 还贷款 清还
提前还款 提前还 提早还 提前结清 提前还清 先还 早点还 提前还贷 提前清 提前归还
逾期 过期 超期 超时 晚还 没还上 延期未还 欠款 没按时还 忘记还 忘还 迟还 到期没还 过了还款日 拖欠 没还 忘了还
  还晚
延期 延迟还款 推迟 延后 缓 宽限 晚几天 延长 晚点 延迟 推后
还不上 还不起 没钱还 还不了 无力偿还 没能力还 没有钱还
自动扣款 自动还款 代扣 自动扣 自动划扣 自动还 扣款 扣钱 划扣 扣 自动扣除 扣除
额度 信用额度 限额 可用额度 借款额度 贷款额度 上限 额 最多 最高 最大 多少钱可以借
提额 提升额度 提高额度 涨额度 增加额度 提高 提升 增加 涨 升 调高 变多 调整
降额 降低额度 降低 减少 下降 变少 降 少了 减 调低 变低
利息 利率 息 手续费 费率 收费 费用 日息 年利率 月利率 利钱 息费 服务费 费
免费 不收费 不要钱 免息 免 免手续费 没有利息 不收 无利息
分期 分期付款 分期还款 分几期 分 期数 分月 分几个月
最低还款 最低还款额 最低还 最低
账单 帐单 月账单 对账单 账 帐 单子 每月账单 明细 记录 清单
出账 出账单 出帐 生成账单 账单日 出帐日 出账日 入账
还款日 还款日期 还款时间 到期日 扣款日 几号还 还款期限 截止日
借款 借钱 贷款 贷 借 借出 借贷 拿钱 取钱 借出来 提现 支用 取现 套现 贷出 贷款申请
放款 到账 到帐 下款 打款 打到 汇款 入帐 发放 转到 收到钱 下来
审核 审批 评估 审 核批 复核 过审 资格审查
银行卡 储蓄卡 卡 借记卡 卡片 卡号 银行账户 工资卡
信用卡 贷记卡
更换 换 更改 修改 变更 改 替换 改成 变 换成 改变 切换 换绑 换掉 改为 转换
绑定 绑 关联 添加 绑卡 连接 加
解绑 解除绑定 取消绑定 解绑定 删除 删 删掉 去掉 移除
手机号 手机号码 电话 号码 电话号码 联系方式 联系电话
账号 账户 帐户 帐号 户 号 用户
密码 口令 支付密码 交易密码
身份证 身份证号 证件 身份 实名 实名认证 认证
验证码 校验码 短信码 短信验证码
合同 协议 借款合同 电子合同
付款 支付 付 付钱 结账 买单 消费 花 刷 购物 买东西 买 购买
收款 收钱 收 商家收款 收款码
退款 退钱 退 退货 退回 返还 退还 返回
转账 转钱 转 汇 转入 转出 划转 转给
红包 福利 优惠 优惠券 活动 券 奖励 折扣
征信 信用 信用记录 信用报告 个人征信 征信记录 人行征信
信用分 芝麻分 芝麻信用 评分 分数 积分
条件 要求 资格 标准 门槛 资质 符合
客服 人工 人工客服 工作人员 服务电话 客服电话
朋友 别人 他人 其他人 家人 亲戚 好友 别的人 人家
第一次 首次 首 头一次 初次
第二次 再次 二次 再借 又借
本金 本钱 本
余额 剩余 剩下 还剩 剩
每天 每日 一天 日
每月 每个月 一个月 月 月月 按月
全部 全额 所有 一次性 一次 都 整个 全 全款
部分 一部分 一些 部份
点错 按错 不小心 误 误点 误操作 搞错 弄错
下载 安装 装
登录 登陆 登入 进入 进去 进 登
查看 查询 查 看 看到 在哪看 怎么看 查一下 查找 找 找到 看见
冻结 封 锁 限制 封号 被封 锁定
风险 安全 可靠 靠谱 正规 骗 骗子 诈骗 骗人 假的
电脑 网页 网上 线上 官网
微信 微信号 wx
支付宝 zfb
保险 保单 险 投保 参保
理赔 赔付 赔 赔偿 报销 索赔 赔钱
退保 退掉保险 不想保了 退保险 解除合同
保费 保险费 交费 缴费 缴 交保费 续费
基金 理财 理财产品
收益 收益率 赚 盈利 利润 回报 赚钱
亏 亏损 赔本 亏钱 亏了 跌
赎回 卖出 取出 卖 转出来 提出来
申购 认购 买入
投诉 举报 维权 申诉
推荐 介绍 推介
区别 不同 差别 差异 不一样 区分
影响 后果 有影响 作用
为负 负数 负
老板 商家 商户 卖家 店铺 店家
关机 停机
失效 无效 过了有效期
短信 信息 消息 通知
没收到 收不到 没有收到 没到账 未到账 没到 未收到
"""
# A meaning that needs more than a line goes on indented.
_MEANINGS = re.split(r"\n(?! )", _SAME.strip())
CLASSES = MappingProxyType({word: line.split()[0] for line in reversed(_MEANINGS) for word in line.split()})
LONGEST_CLASS = max(map(len, CLASSES))

# Things of other trades. Where a customer names one that the entry does not, the question is about something else:
# "社保卡丢了怎么补" is not about policies, however like "保单丢了怎么补" it looks.
ELSEWHERE = frozenset(
    re.findall(
        r"\S+",
        """
    社保卡 社保 公积金 医保卡 信用卡 身份证 驾照 驾驶证 行驶证 护照 签证 户口 户口本 居住证 结婚证 毕业证
    学历 学位 房产证 手机 电脑 平板 耳机 电视 冰箱 空调 洗衣机 相机 打印机 路由器 宽带 流量 话费 充电器
    充电宝 屏幕 键盘 游戏 皮肤 电影 电影票 电视剧 歌曲 音乐 小说 视频 直播 演唱会 门票 景点 酒店 民宿 机票
    火车票 高铁 高铁票 车票 飞机 航班 地铁 公交 打车 外卖 快递 包裹 物流 发货 淘宝 京东 拼多多 衣服 裙子 鞋
    鞋子 包包 化妆品 口红 面膜 护肤品 奶茶 咖啡 蛋糕 火锅 餐厅 菜谱 红烧肉 水果 超市 商场 菜市场 房租 租房
    房东 装修 家具 物业 水电费 电费 水费 燃气费 煤气 停车 停车费 加油 违章 罚单 车牌 洗车 修车 学校 老师
    作业 考试 高考 考研 英语 数学 作文 课文 幼儿园 大学 专业 论文 简历 面试 招聘 应聘 招人 天气 气温 下雨
    星期 节日 生日 星座 属相 算命 运势 彩票 双色球 大乐透 福彩 赌博 赌球 足球 篮球 世界杯 球赛 比赛 减肥
    健身 瑜伽 感冒 发烧 咳嗽 吃药 挂号 门诊 疫苗 怀孕 宝宝 奶粉 尿不湿 宠物 猫 狗 鱼 花草 男朋友 女朋友 对象
    相亲 结婚 离婚 彩礼 婚礼 律师 起诉 官司 闹钟 笑话 诗 故事 谜语 成语 翻译 汇率 美元 港币 日元 黄金 比特币
    股票 发票 开票 工资 年终奖 社团 旅游 导航 地图 菜
    """,
    )
)

# Names of which a question means one and not the other: "等额本息怎么算" is not "等额本金怎么算", however alike.
_NAMES = """
花呗 借呗 白条 金条 微粒贷 网商贷 信用贷 任性付 度小满 有钱花 分期乐 备用金 信用卡 房贷 车贷 助学贷 公积金贷款
等额本息 等额本金 先息后本 随借随还
重疾险 医疗险 百万医疗 意外险 寿险 定期寿险 终身寿险 年金险 年金 分红险 万能险 增额寿 防癌险 车险 团险 惠民保
基金 货币基金 债券基金 股票基金 理财 存款 国债 信托 私募 股票 债券 黄金
犹豫期 等待期 宽限期 封闭期 开放期
申购 赎回 认购 定投
充值 提现
R1 R2 R3 R4 R5
C1 C2 C3 C4 C5
保单 借款合同 贷款合同
微信 支付宝 淘宝 京东
手机号 身份证 银行卡
本金 利息
余额宝 余利宝 零钱通 零钱
"""
GROUP_OF = MappingProxyType(
    {name.lower(): group for group, line in enumerate(_NAMES.strip().splitlines()) for name in line.split()}
)
NAME = re.compile("|".join(sorted(map(re.escape, GROUP_OF), key=len, reverse=True)))

# Kinds of question, each a bit. Order of the table is the order of the bits.
KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("怎么", re.compile(r"怎么|怎样|如何|咋|方法|步骤|流程|办法")),
    (
        "为什么",
        re.compile(
            r"为什么|为啥|为何|什么原因|啥原因|怎么回事|咋回事|怎么会|凭什么|"
            r"(?:怎么|咋)(?:我|的|老|总|一直|突然|又|还|就|都|有)*(?:不|没|无|是|少|多|降)|原因|什么情况"
        ),
    ),
    ("多少", re.compile(r"多少|几(?!乎)|多高|多大|额度是|最高|最多|最低|上限")),
    ("什么时候", re.compile(r"什么时候|啥时候|何时|几号|几点|哪天|什么时间|日期|多会")),
    ("多久", re.compile(r"多久|多长时间|几天|几个工作日|多少天|多长|几个月")),
    ("哪里", re.compile(r"哪里|哪儿|在哪|去哪|什么地方|那里(?!面)|入口|从哪")),
    (
        "能不能",
        re.compile(
            r"能不能|可不可以|能否|可否|可以.{0,12}[吗么嘛?]|能.{0,12}[吗么嘛?]|是否可以|是否能|支持|允许|行不行|行吗|可以不"
        ),
    ),
    ("是不是", re.compile(r"吗|么$|是否|是不是|有没有|会不会|要不要|对不对|嘛$|不$")),
    ("是什么", re.compile(r"是什么|什么是|什么意思|啥意思|什么叫|是啥|指什么|啥叫|含义|区别")),
    ("谁", re.compile(r"谁|哪些人|什么人|哪个|哪些|哪家|哪种")),
)

_A_NOT_A = re.compile(
    r"(.)不\1(?:要)?|(.)没\2|可不可以|有没有|有无|是否|能否|不好意思|不管|不小心|不过|不仅|不同|不但|对不起|差不多"
)
CANNOT = re.compile(
    r"不能|无法|没法|没办法|不了|失败|不可以|不让|不成功|不行|不给|不上|不到|不出|不进|拒绝|不通过|没通过|不支持|不可用|不下来"
)
NEGATION = re.compile(r"不|没|无|未|别(?!人|的|处)|勿|非(?!常)")
UNWANTED = re.compile(
    r"(?:不想|不要|不打算|不准备|没想|没打算|不是要|不是想|不用|不愿意?|别|并不想|不需要|先不)"
    r"(?:再|去|给我|帮我|要|办理?|做|让)*([^ ]{2,6})"
)


def kinds(plain: str) -> int:
    """Return the kinds of question a text shows, as bits of KINDS; 0 for a bare statement."""
    found = 0
    for place, (_, pattern) in enumerate(KINDS):
        if pattern.search(plain):
            found |= 1 << place
    return found


def negations(plain: str) -> int:
    """Return 1 for a plain "not", 2 for "cannot", 3 for both, 0 for neither; "能不能" is no negation."""
    rest = _A_NOT_A.sub("", plain)
    return (1 if NEGATION.search(rest) else 0) | (2 if CANNOT.search(rest) else 0)


def unwanted(plain: str) -> re.Match[str] | None:
    """Return what a customer says they do not want: the whole, and what it is about; "需不需要" is a question."""
    return UNWANTED.search(_A_NOT_A.sub(lambda found: " " * len(found[0]), plain))
