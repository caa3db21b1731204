// The WeCom client, through its JS-SDK (window.ww): where the page was opened, and speaking into that chat.
// What goes wrong becomes an SdkError whose `say` is Chinese and says what to do. errMsg: WeCom docs 94315, 100746, 100749.

const TIMEOUT_MS = 10000;
const APIS = ["getContext", "getCurExternalChat", "getCurExternalContact", "sendChatMessage", "openEnterpriseChat", "navigateToKfChat"];
const WITH_CUSTOMER = ["single_chat_tools", "single_kf_tools", "contact_profile"];
const ADMIN = "请告诉管理员：";

// The part of errMsg after the colon (the SDK prints another name before it for some calls), the first that fits.
const KNOWN = [
  [/cancel/, "cancel", "你取消了发送，可以再点一次。"],
  [/without context of external contact/, "no_context", "这里不是聊天工具栏。请在聊天里从工具栏打开这一页，或复制文字自己发。"],
  [/no permission|permission denied/, "no_permission", `企业微信没有给这个页面权限。${ADMIN}应用要列入“客户联系 · 可调用接口的应用”，你要开通客户联系、并在应用可见范围里。`],
  [/42012/, "wrong_ticket", `页面签名用错了凭证（42012）。${ADMIN}agentConfig 要用应用的 ticket，检查 agent_id 和 Secret 是否同一个应用。`],
  [/40093|invalid signature/, "bad_signature", `页面签名没有通过（40093）。先刷新一次；还不行，${ADMIN}检查应用的可信域名和 server.public_url 是否一致。`],
  [/92002|corpid/, "other_corp", "你登录的企业不是本企业（92002）。请切换到公司的企业微信再打开。"],
  [/85005|domain/, "domain", `可信域名还没有校验（85005）。${ADMIN}在应用里完成域名归属校验。`],
  [/not in visible|visible range/, "range", `你不在应用的可见范围里。${ADMIN}把你加进去。`],
  [/invalid imgUrl/, "picture", "链接的封面图没有通过，请复制后自己发。"],
  [/invalid msgtype|unsupported/, "kind", "你的企业微信版本发不了这种内容，请复制后自己发，或升级客户端。"],
  [/not in WeCom/, "outside", "现在不在企业微信里。复制文字，到聊天里粘贴发出。"],
];

export class SdkError extends Error {
  constructor(kind, say, said = "") {
    super(said || say);
    this.kind = kind;
    this.say = say;
  }
}

function named(errMsg) {
  const words = String(errMsg ?? "").split(":").slice(1).join(":") || String(errMsg ?? "");
  const found = KNOWN.find(([pattern]) => pattern.test(words));
  return found ? new SdkError(found[1], found[2], errMsg) : new SdkError("other", `企业微信没有发出去（${words || "没有说明原因"}）。可以再试一次，或复制文字自己发。`, errMsg);
}

function within(promise) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new SdkError("silent", "企业微信没有回应。请再试一次，或复制文字自己发。")), TIMEOUT_MS);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

async function call(api, params = {}) {
  let result;
  try {
    result = await within(window.ww[api](params));
  } catch (error) {
    throw error instanceof SdkError ? error : named(error?.errMsg ?? error?.message);
  }
  if (!/:ok$/.test(result?.errMsg ?? "")) throw named(result?.errMsg);
  return result;
}

const signing = (kind) => async (url) => {
  const answer = await fetch(`/sidebar/sign?kind=${kind}&url=${encodeURIComponent(url)}`, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new SdkError("signing", `服务器没能给页面签名。请刷新再试；还不行，${ADMIN}检查应用的 Secret 和网络。`);
  return answer.json();
};

let registered = false;

/** Register once; throws where the page does not run in WeCom. */
export function register() {
  const page = document.body.dataset;
  if (!window.ww?.env?.isWeCom) throw named("register:fail not in WeCom");
  if (!page.signed) throw new SdkError("not_set_up", `页面签名还没有设置。${ADMIN}填写应用的 agent_id 和 Secret。`);
  if (registered) return;
  registered = true;
  window.ww.register({
    corpId: page.corp,
    agentId: Number(page.agent),
    jsApiList: APIS,
    getConfigSignature: signing("corp"),
    getAgentConfigSignature: signing("agent"),
  });
}

/** The chat id of the customer group whose toolbar holds this page, "" when it was opened elsewhere. */
export async function currentGroup() {
  register();
  const { entry } = await call("getContext");
  return entry === "group_chat_tools" ? (await call("getCurExternalChat")).chatId : "";
}

/** The group or the customer beside whom this page was opened, { kind, id, entry }; null when it was opened elsewhere. */
export async function currentPlace() {
  register();
  const { entry } = await call("getContext");
  if (entry === "group_chat_tools") return { kind: "group", id: (await call("getCurExternalChat")).chatId, entry };
  if (WITH_CUSTOMER.includes(entry)) return { kind: "customer", id: (await call("getCurExternalContact")).userId, entry };
  return null;
}

/**
 * Send one message into the chat that this page was opened from. Where the client says nothing in time (kind "silent") it
 * may have gone out all the same: nobody may report it as not sent, the person has to look.
 */
export async function send(message) {
  register();
  try {
    await call("sendChatMessage", message);
  } catch (error) {
    throw error.kind === "silent" ? new SdkError("silent", "企业微信没有回应，不知道发出去没有。请先看看聊天里有没有。") : error;
  }
}

export const canOpenChats = () => typeof window.ww?.openEnterpriseChat === "function";

/** Go to the session of customer service with a customer; the member has to serve the account. */
export async function openService(openKfId, externalUserId) {
  register();
  await call("navigateToKfChat", { openKfId, externalUserId });
}

/** Go to the one-to-one chat with a customer. */
export async function openFriend(externalUserId) {
  register();
  await call("openEnterpriseChat", { externalUserIds: [externalUserId] });
}

/** Go to a customer group. */
export async function openGroup(chatId) {
  register();
  await call("openEnterpriseChat", { chatId });
}
