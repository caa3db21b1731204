// Stands in for the package @wecom/jssdk inside the sandbox's client: same calls, same errMsg. A page of an application
// loads it as a script, gets window.ww, and speaks through it to the page that holds its frame.
(function () {
  "use strict";
  const waiting = new Map();
  let number = 0;
  let registered = null;
  let ready = { corp: null, agent: null };
  let signedUrl = "";

  window.addEventListener("message", function (event) {
    const answer = event.data;
    if (event.source !== window.parent || !answer || answer.sandboxWw !== 1) return;
    const settle = waiting.get(answer.id);
    waiting.delete(answer.id);
    if (settle) settle(answer.result);
  });

  function ask(api, params) {
    if (window.parent === window) return Promise.resolve({ errMsg: api + ":fail not in WeCom", errCode: -1 });
    number += 1;
    const id = number;
    return new Promise(function (resolve) {
      waiting.set(id, resolve);
      window.parent.postMessage({ sandboxWw: 1, id: id, api: api, params: params || {} }, "*");
    });
  }

  const here = () => location.href.split("#")[0];

  async function sign(kind) {
    if (!registered) return { errMsg: "register:fail call ww.register first", errCode: -1 };
    if (signedUrl !== here()) {
      signedUrl = here();
      ready = { corp: null, agent: null };
    }
    if (!ready[kind]) ready[kind] = signNow(kind);
    return ready[kind];
  }

  async function signNow(kind) {
    const isAgent = kind === "agent";
    const make = isAgent ? registered.getAgentConfigSignature : registered.getConfigSignature;
    if (!make) return { errMsg: "config:fail no signature", errCode: -1 };
    const made = await make(here());
    const params = { corpId: registered.corpId, agentId: registered.agentId, url: here() };
    const result = await ask(isAgent ? "agentConfig" : "config", Object.assign(params, made));
    const report = isAgent ? registered.onAgentConfigFail : registered.onConfigFail;
    if (result.errCode !== 0 && report) report(result);
    return result;
  }

  function api(name, kind) {
    return async function (params) {
      const options = params || {};
      if (kind) {
        const state = await sign(kind);
        if (state.errCode !== 0) return finish({ errMsg: name + ":" + state.errMsg.split(":").slice(1).join(":"), errCode: -1 }, options);
      }
      const plain = Object.assign({}, options);
      for (const callback of ["success", "fail", "complete"]) delete plain[callback];
      return finish(await ask(name, plain), options);
    };
  }

  function finish(result, options) {
    if (result.errCode === 0 && options.success) options.success(result);
    if (result.errCode !== 0 && options.fail) options.fail(result);
    if (options.complete) options.complete(result);
    if (result.errCode !== 0 && !options.fail && !options.complete) throw result;
    return result;
  }

  window.ww = {
    env: { isWeCom: window.parent !== window },
    register: function (options) {
      registered = options;
    },
    ensureConfigReady: () => sign("corp"),
    ensureAgentConfigReady: () => sign("agent"),
    checkJsApi: async ({ jsApiList }) => ({ errMsg: "checkJsApi:ok", errCode: 0, checkResult: Object.fromEntries(jsApiList.map((one) => [one, one in window.ww])) }),
    getContext: api("getContext", "agent"),
    getCurExternalContact: api("getCurExternalContact", "agent"),
    getCurExternalChat: api("getCurExternalChat", "agent"),
    sendChatMessage: api("sendChatMessage", "agent"),
    openEnterpriseChat: api("openEnterpriseChat", "agent"),
    navigateToKfChat: api("navigateToKfChat", "agent"),
  };
})();
