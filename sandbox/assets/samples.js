// Pictures drawn here, so that nobody has to look for a file to try one. They are plainly marked as samples.

const WIDTH = 360;
const HEIGHT = 480;

function sheet(paint, width = WIDTH, height = HEIGHT) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#ffffff";
  pen.fillRect(0, 0, width, height);
  pen.textBaseline = "middle";
  paint(pen, width, height);
  pen.save();
  pen.translate(width / 2, height / 2);
  pen.rotate(-0.5);
  pen.globalAlpha = 0.12;
  pen.fillStyle = "#d4380d";
  write(pen, "示例图片", 0, 0, 52, "#d4380d", "center");
  pen.restore();
  return canvas;
}

function write(pen, text, x, y, size, colour, align = "left", weight = 400) {
  pen.font = `${weight} ${size}px "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif`;
  pen.fillStyle = colour;
  pen.textAlign = align;
  pen.fillText(text, x, y);
}

function repayment(pen, width) {
  pen.fillStyle = "#1f6feb";
  pen.fillRect(0, 0, width, 96);
  write(pen, "还款计划", 24, 38, 24, "#ffffff", "left", 600);
  write(pen, "剩余本金 86,400.00 元", 24, 70, 15, "#dbe9ff");
  for (let row = 0; row < 7; row += 1) {
    const y = 130 + row * 48;
    write(pen, `第 ${row + 9} 期`, 24, y, 16, "#1d2129");
    write(pen, `2026-${String(12 - row).padStart(2, "0")}-15`, 130, y, 14, "#86909c");
    write(pen, "3,842.17", width - 24, y, 16, row === 0 ? "#d4380d" : "#1d2129", "right");
    pen.fillStyle = "#eef0f3";
    pen.fillRect(24, y + 24, width - 48, 1);
  }
}

function policy(pen, width, height) {
  pen.strokeStyle = "#c9a45c";
  pen.lineWidth = 6;
  pen.strokeRect(14, 14, width - 28, height - 28);
  write(pen, "保 险 单", width / 2, 66, 30, "#8a5a00", "center", 700);
  ["险种　　终身寿险", "投保人　王某某", "被保险人　王某某", "保险金额　500,000 元", "年交保费　12,600 元", "生效日　2022-06-01"].forEach((line, row) =>
    write(pen, line, 44, 130 + row * 46, 18, "#4e3b12"),
  );
  pen.beginPath();
  pen.arc(width - 92, height - 92, 44, 0, Math.PI * 2);
  pen.strokeStyle = "#d4380d";
  pen.lineWidth = 4;
  pen.stroke();
  write(pen, "样张", width - 92, height - 92, 22, "#d4380d", "center", 700);
}

function identity(pen, width, height) {
  const wash = pen.createLinearGradient(0, 0, width, height);
  wash.addColorStop(0, "#dff1fb");
  wash.addColorStop(1, "#f6e9f3");
  pen.fillStyle = wash;
  pen.fillRect(0, 0, width, height);
  ["姓名　样　张", "性别　女　　民族　汉", "出生　1990 年 1 月 1 日", "住址　示例省示例市示例路 1 号"].forEach((line, row) =>
    write(pen, line, 24, 44 + row * 36, 16, "#21425e"),
  );
  write(pen, "公民身份号码　000000199001010000", 24, height - 34, 16, "#21425e");
  pen.fillStyle = "#c4d6e4";
  pen.fillRect(width - 118, 32, 90, 112);
  pen.fillStyle = "#9db8cc";
  pen.beginPath();
  pen.arc(width - 73, 76, 24, 0, Math.PI * 2);
  pen.arc(width - 73, 144, 38, Math.PI, 0);
  pen.fill();
}

export const SAMPLES = [
  { name: "还款计划截图", draw: () => sheet(repayment) },
  { name: "保单照片", draw: () => sheet(policy) },
  { name: "证件样张", draw: () => sheet(identity, 420, 260) },
];

export const toBlob = (canvas) => new Promise((resolve) => canvas.toBlob(resolve, "image/png"));

/** A decoration that looks like a QR code; it is not meant to be scanned. */
export function drawCode(seedText) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 174;
  canvas.setAttribute("aria-hidden", "true");
  const pen = canvas.getContext("2d");
  let seed = 7;
  for (const letter of seedText) seed = (seed * 31 + letter.codePointAt(0)) % 2147483647;
  const next = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, 174, 174);
  pen.fillStyle = "#1d2129";
  for (let x = 0; x < 29; x += 1) for (let y = 0; y < 29; y += 1) if (next() < 0.48) pen.fillRect(x * 6, y * 6, 6, 6);
  for (const [x, y] of [[0, 0], [22, 0], [0, 22]]) {
    pen.fillStyle = "#fff";
    pen.fillRect(x * 6 - 6, y * 6 - 6, 54, 54);
    pen.fillStyle = "#1d2129";
    pen.fillRect(x * 6, y * 6, 42, 42);
    pen.fillStyle = "#fff";
    pen.fillRect(x * 6 + 6, y * 6 + 6, 30, 30);
    pen.fillStyle = "#1d2129";
    pen.fillRect(x * 6 + 12, y * 6 + 12, 18, 18);
  }
  pen.fillStyle = "#fff";
  pen.fillRect(66, 66, 42, 42);
  pen.fillStyle = "#07c160";
  pen.fillRect(70, 70, 34, 34);
  write(pen, "客服", 87, 88, 13, "#fff", "center", 600);
  return canvas;
}
