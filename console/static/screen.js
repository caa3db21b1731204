// The big screen can fill the whole display; it renews itself as every live page does (console.js).

const button = document.getElementById("wall-full");
const wall = document.getElementById("main");

if (document.fullscreenEnabled) {
  button.hidden = false;
  button.addEventListener("click", () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else wall.requestFullscreen();
  });
  document.addEventListener("fullscreenchange", () => {
    button.textContent = document.fullscreenElement ? "退出全屏" : "全屏";
  });
}
